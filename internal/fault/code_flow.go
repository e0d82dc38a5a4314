package fault

var flowCodes = []Code{}
