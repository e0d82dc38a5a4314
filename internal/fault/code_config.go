package fault

var configCodes = []Code{}
