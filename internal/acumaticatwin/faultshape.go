package acumaticatwin

import (
	"fmt"
	"net/http"
)

// Shapes of a status that has several.
const (
	variantText       = "text"        // of 429: the web server's own
	variantJSON       = "json"        // of 429: with the text that a login too many gets
	variantDeadlock   = "deadlock"    // of 500: the database chose this transaction as the victim
	variantLoginLimit = "login_limit" // of 500: a login too many
)

// tooManyAPILogins is the text by which clients know that they hold too many
// sessions, whatever the status.
const tooManyAPILogins = "API Login Limit: " + tooManyLogins

// statusFault answers a status in the shape that Acumatica or the web server
// in front of it gives it; "" is the usual one.
func statusFault(status int, variant string) reply {
	switch status {
	case http.StatusTooManyRequests:
		if variant == variantJSON {
			f := pxError(tooManyAPILogins)
			f.status = status
			return f.reply()
		}
		return page(status, "text/plain; charset=utf-8", "The custom error module does not recognize this error.")
	case http.StatusServiceUnavailable:
		return page(status, "text/html; charset=us-ascii", "<HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD>\r\n"+
			"<BODY><h2>Service Unavailable</h2>\r\n<hr><p>HTTP Error 503. The service is unavailable.</p>\r\n</BODY></HTML>\r\n")
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		name := fmt.Sprintf("%d %s", status, http.StatusText(status))
		return page(status, "text/html", "<html><head><title>"+name+"</title></head>\r\n<body><center><h1>"+name+"</h1></center></body></html>\r\n")
	case http.StatusFound:
		answer := emptyReply(status)
		answer.header.Set("Location", "/Frames/Error.aspx?message=The+number+of+concurrent+API+logins+has+been+reached.")
		return answer
	case http.StatusUnauthorized:
		return plain(status, "Authorization has been denied for this request.").reply()
	case http.StatusInternalServerError:
		if variant == variantLoginLimit {
			return pxError(tooManyAPILogins).reply()
		}
		return exception("System.Data.SqlClient.SqlException",
			"Transaction (Process ID 57) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.").reply()
	}
	return plain(status, http.StatusText(status)).reply()
}

// page is an answer that is not JSON.
func page(status int, kind, body string) reply {
	answer := emptyReply(status)
	answer.header.Set("Content-Type", kind)
	answer.body = []byte(body)
	return answer
}
