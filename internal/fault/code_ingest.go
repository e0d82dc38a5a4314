package fault

var ingestCodes = []Code{}
