package acumaticatwin

import (
	"net/url"
	"strings"
	"testing"
)

func TestFilesAreAttachedToRecords(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.items()
	put := c.put("StockItem/LAMP/files/lamp.txt", "a lamp").wantStatus(t, 204)
	a := c.get("StockItem/LAMP?$select=InventoryID,files&$expand=files").wantStatus(t, 200)
	want(t, "name", a.text("files", 0, "filename"), `Stock Items (LAMP)\lamp.txt`)
	want(t, "href", a.text("files", 0, "href"), put.header.Get("Location"))
	want(t, "not selected", at(a.body, "Description"), nil)
	f := c.do("GET", a.text("files", 0, "href"), "", nil).wantStatus(t, 200)
	want(t, "content", string(f.raw), "a lamp")
	want(t, "kind", f.header.Get("Content-Type"), "text/plain; charset=utf-8")

	link := strings.Replace(a.text("_links", "files:put"), "{filename}", url.PathEscape("data sheet.bin"), 1)
	c.do("PUT", link, "\x00\xff", nil).wantStatus(t, 204)
	c.put("StockItem/LAMP/files/LAMP.txt", "another lamp").wantStatus(t, 204)
	a = c.get("StockItem?$expand=files&$filter=InventoryID%20eq%20'LAMP'").wantStatus(t, 200)
	files, _ := at(a.body, 0, "files").([]any)
	want(t, "one replaced, one added", len(files), 2)
	want(t, "without $expand", at(c.get("StockItem/LAMP").body, "files"), nil)
	want(t, "none", marshal(t, at(c.get("StockItem/CABLE?$expand=files").body, "files")), "[]")

	c.put("StockItem/NOPE/files/x", "x").wantStatus(t, 500)
	c.do("PUT", root+"files/PX.Nothing/View/"+c.get("StockItem/LAMP").text("id")+"/x", "x", nil).wantStatus(t, 404)
	c.do("GET", root+"files/x", "", nil).wantStatus(t, 500)
	c.get("File").wantStatus(t, 404)
	c.do("DELETE", root+"StockItem/LAMP", "", nil).wantStatus(t, 204)
	c.do("GET", put.header.Get("Location"), "", nil).wantStatus(t, 500)
}
