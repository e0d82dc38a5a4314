package acumaticatwin

import (
	"cmp"
	"encoding/base64"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/google/uuid"
)

const entityFile = "File"

// fileEntity is the table of attached files. No endpoint shows it as such.
func fileEntity(b *builder) *entity {
	return &entity{
		name: entityFile, display: "Files", screen: "SM202510", keys: []string{"Owner", "FileName"}, indexed: []string{"Owner"},
		readOnly: true, on: nowhere, shape: b.shape(`Owner:S FileName:S Content:S`),
	}
}

// filesOf are the files of a record.
func (x *tx) filesOf(r *record) []*record { return x.where(entityFile, "Owner", r.ID) }

// fileLinks is what $expand=files shows of them.
func (v *view) fileLinks(r *record) []obj {
	keys := make([]string, len(v.e.keys))
	for i, k := range v.e.keys {
		keys[i] = r.get(k)
	}
	links := []obj{}
	for _, f := range v.x.filesOf(r) {
		links = append(links, obj{
			"id": f.ID, "filename": v.e.display + " (" + strings.Join(keys, ", ") + `)\` + f.get("FileName"), "href": v.base + "/files/" + f.ID,
		})
	}
	return links
}

// files answers the addresses below <endpoint>/files: a file by its id, and
// the address that _links gives of a record.
func (t *Twin) files(c *call, rest []string) reply {
	x := t.beginWithin(c.within)
	switch {
	case c.method == http.MethodGet && len(rest) == 1:
		id, err := uuid.Parse(rest[0])
		if err != nil {
			return notFound().reply()
		}
		f := x.get(entityFile, id.String())
		if f == nil {
			return notFound().reply()
		}
		raw, err := base64.StdEncoding.DecodeString(f.get("Content"))
		if err != nil {
			return pxError("%v", err).reply()
		}
		answer := emptyReply(http.StatusOK)
		answer.header.Set("Content-Type", cmp.Or(mime.TypeByExtension(path.Ext(f.get("FileName"))), "application/octet-stream"))
		answer.header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.get("FileName")}))
		answer.body = raw
		return answer
	case c.method == http.MethodPut && len(rest) == 4:
		for _, e := range t.offered(c) {
			if e.graph == rest[0] && e.view == rest[1] {
				return t.attach(c, e, rest[2:3], rest[3])
			}
		}
	}
	return unknownResource(c)
}

// attach puts a file to a record; one of the same name is replaced.
func (t *Twin) attach(c *call, e *entity, address []string, name string) reply {
	x := t.beginWithin(c.within)
	r := x.byAddress(e, address)
	if !e.finds(r) {
		return notFound().reply()
	}
	f := x.byKey(entityFile, r.ID, name)
	if f == nil {
		f = newRecord(x.newID())
		f.set("Owner", r.ID)
		f.set("FileName", name)
	} else {
		f = f.clone()
	}
	f.set("Content", base64.StdEncoding.EncodeToString(c.body))
	x.save(entityFile, f)
	if err := t.commit(x); err != nil {
		return pxError("%v", err).reply()
	}
	answer := emptyReply(http.StatusNoContent)
	answer.header.Set("Location", c.base+"/files/"+f.ID)
	return answer
}
