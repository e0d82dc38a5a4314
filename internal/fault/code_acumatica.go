package fault

var acumaticaCodes = []Code{}
