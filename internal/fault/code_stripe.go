package fault

var stripeCodes = []Code{}
