package acumaticatwin

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// obj is a JSON object.
type obj = map[string]any

// A schemaDoc is the description of an endpoint: Swagger 2.0 up to version 23,
// OpenAPI 3 from 24 on, as the system itself writes it. It has what the twin
// has, under the published names.
type schemaDoc struct {
	version int
	parts   map[string]string // names of the parts' schemas
	actions map[string]int
	defs    map[string]obj
	paths   map[string]obj
	tags    []obj
}

// swagger is GET <endpoint>/swagger.json.
func (t *Twin) swagger(c *call) reply {
	d := &schemaDoc{version: c.version, parts: partSchemas(), actions: contractActions(), defs: baseSchemas(), paths: map[string]obj{}}
	if d.open() {
		d.defs["CustomField"]["discriminator"] = obj{"propertyName": "type"}
		d.defs["FileLink"]["properties"].(obj)["comment"] = obj{"type": "string"} //nolint:forcetypeassert // made by baseSchemas
	}
	for name, def := range d.defs {
		d.defs[name] = d.refs(def).(obj) //nolint:forcetypeassert // refs keeps an object an object
	}
	for _, e := range t.offered(c) {
		d.entity(e)
	}
	info := obj{"title": c.path[1] + "/" + c.path[2], "version": "4"}
	if d.open() {
		return jsonReply(http.StatusOK, obj{
			"openapi": "3.0.1", "info": info, "servers": []obj{{"url": c.base}}, "tags": d.tags, "paths": d.paths,
			"components": obj{"schemas": d.defs},
		})
	}
	return jsonReply(http.StatusOK, obj{
		"swagger": "2.0", "info": info, "host": cmp.Or(c.host, "localhost"), "basePath": c.base, "schemes": []string{"http", "https"},
		"tags": d.tags, "paths": d.paths, "definitions": d.defs,
	})
}

func (d *schemaDoc) open() bool { return d.version >= 24 }

func (d *schemaDoc) ref(name string) obj {
	if d.open() {
		return obj{"$ref": "#/components/schemas/" + name}
	}
	return obj{"$ref": "#/definitions/" + name}
}

// A schemaName stands for a reference to a schema, until the version is known.
type schemaName string

func (d *schemaDoc) refs(v any) any {
	switch v := v.(type) {
	case schemaName:
		return d.ref(string(v))
	case obj:
		out := obj{}
		for name, inner := range v {
			out[name] = d.refs(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = d.refs(inner)
		}
		return out
	}
	return v
}

// baseSchemas are those that every endpoint has.
func baseSchemas() map[string]obj {
	text := obj{"type": "string"}
	typed := func(kind, format string) obj { return obj{"type": kind, "format": format} }
	object := func(props obj) obj { return obj{"type": "object", "properties": props} }
	values := map[string]obj{
		"String": text, "Boolean": {"type": "boolean"}, "Decimal": typed("number", "double"), "Double": typed("number", "double"),
		"Int": typed("integer", "int32"), "Short": typed("integer", "int32"), "Byte": typed("integer", "int32"), "Long": typed("integer", "int64"),
		"DateTime": typed("string", "date-time"), "Guid": typed("string", "uuid"),
	}
	defs := map[string]obj{
		"Entity": object(obj{
			"id": typed("string", "uuid"), "rowNumber": typed("integer", "int64"), "note": schemaName("StringValue"), "error": text,
			"custom": obj{"type": "object", "additionalProperties": obj{"type": "object", "additionalProperties": schemaName("CustomField")}},
			"files":  obj{"type": "array", "items": schemaName("FileLink")},
		}),
		"CustomField": {"type": "object", "required": []string{"type"}, "properties": obj{"type": text}, "discriminator": "type"},
		"FileLink":    object(obj{"id": typed("string", "uuid"), "filename": text, "href": typed("string", "uri")}),
		"HttpError": {
			"type": "object", "additionalProperties": obj{"type": "object"}, "properties": obj{
				"message": text, "exceptionMessage": text, "exceptionType": text, "stackTrace": text, "messageDetail": text,
				"modelState": obj{"type": "object", "additionalProperties": obj{"type": "array", "items": text}},
			},
		},
	}
	for name, scalar := range values {
		defs[name+"Value"] = object(obj{"value": scalar, "error": text})
		defs["Custom"+name+"Field"] = obj{"allOf": []any{schemaName("CustomField"), object(obj{"value": scalar, "error": text})}}
	}
	return defs
}

// valueSchema names the schema of a field's wrapper. The twin keeps all whole
// numbers alike; the contract tells some of them apart.
func valueSchema(schema string, f *field) string {
	if f.kind == intKind {
		return cmp.Or(integerSchemas()[schema+"/"+f.name], "IntValue")
	}
	return [...]string{"StringValue", "DecimalValue", "BooleanValue", "IntValue", "DateTimeValue", "DateTimeValue", "GuidValue"}[f.kind]
}

func integerSchemas() map[string]string {
	return map[string]string{
		"CreditVerificationRules/CreditDaysPastDue": "ShortValue", "Customer/LeadTimedays": "ShortValue", "Customer/OrderPriority": "ShortValue",
		"Currency/DecimalPrecision": "ShortValue", "FinancialPeriod/NbrOfPeriods": "ShortValue", "SubItemStockItem/SegmentID": "ShortValue",
		"StockItemVendorDetail/AddLeadTimeDays": "ShortValue", "StockItemVendorDetail/LeadTimeDays": "ShortValue", "ShippingSettings/Priority": "ShortValue",
		"JournalTransactionDetail/ProjectTransactionID": "LongValue", "ProjectTransactionDetail/TransactionID": "LongValue",
	}
}

// shape adds the schema of a shape and of its parts. Where several parts share
// a schema it has the fields of all of them.
func (d *schemaDoc) shape(path, name string, s *shape) {
	props := obj{}
	if old, ok := d.defs[name]; ok {
		props = old["allOf"].([]any)[1].(obj)["properties"].(obj) //nolint:forcetypeassert // made below
	}
	for i := range s.fields {
		if f := &s.fields[i]; s.field(f.name, d.version) != nil {
			props[f.name] = d.ref(valueSchema(name, f))
		}
	}
	for i := range s.parts {
		pt := &s.parts[i]
		if !pt.in(d.version) {
			continue
		}
		below := path + "/" + pt.name
		target := cmp.Or(d.parts[below], pt.name)
		props[pt.name] = d.ref(target)
		if pt.many {
			props[pt.name] = obj{"type": "array", "items": d.ref(target)}
		}
		d.shape(below, target, &pt.shape)
	}
	d.defs[name] = obj{"allOf": []any{d.ref("Entity"), obj{"type": "object", "properties": props}}}
}

// entity adds everything of one entity.
func (d *schemaDoc) entity(e *entity) {
	d.shape(e.published(), e.name, &e.shape)
	d.tags = append(d.tags, obj{"name": e.name, "description": e.display + " (" + e.screen + ")"})
	one := func(name string) obj { return d.body(obj{"description": "The record.", "schema": d.ref(name)}) }
	many := d.body(obj{"description": "The records.", "schema": obj{"type": "array", "items": d.ref(e.name)}})
	done := obj{"description": "Done."}
	options := []string{"$select", "$filter", "$expand", "$custom"}
	root := "/" + e.name
	d.paths[root] = obj{
		"get": d.operation(e, "GetList", append(slices.Clone(options), "$skip", "$top"), "", obj{"200": many}),
		"put": d.operation(e, "PutEntity", options, e.name, obj{"200": one(e.name), "400": one("HttpError"), "412": one("HttpError"), "422": one(e.name)}),
	}
	d.paths[root+"/{ids}"] = obj{
		"get":    d.operation(e, "GetByKeys", append([]string{"{ids}"}, options...), "", obj{"200": one(e.name)}),
		"delete": d.operation(e, "DeleteByKeys", []string{"{ids}"}, "", obj{"204": done}),
	}
	d.paths[root+"/{id}"] = obj{
		"get":    d.operation(e, "GetById", append([]string{"{id}"}, options...), "", obj{"200": one(e.name)}),
		"delete": d.operation(e, "DeleteById", []string{"{id}"}, "", obj{"204": done}),
	}
	d.paths[root+"/$adHocSchema"] = obj{"get": d.operation(e, "GetAdHocSchema", nil, "", obj{"200": one(e.name)})}
	d.paths[root+"/{ids}/files/{filename}"] = obj{"put": d.operation(e, "PutFile", []string{"{ids}", "{filename}"}, "", obj{"204": done})}
	ran := func() obj {
		return obj{"202": obj{"description": "Running."}, "204": done, "400": one("HttpError"), "412": one("HttpError"), "422": one(e.name)}
	}
	invoke := func(name string) {
		d.defs[name] = obj{"type": "object", "required": []string{"entity"}, "properties": obj{"entity": d.ref(e.name)}}
	}
	for _, name := range slices.Sorted(maps.Keys(e.actions)) {
		if since, ok := d.actions[e.published()+"/"+name]; !ok || since > d.version {
			continue
		}
		invoke(name)
		d.actionParameters(e.name, name)
		d.paths[root+"/"+name] = obj{"post": d.operation(e, "InvokeAction_"+name, nil, name, ran())}
	}
	invoke(e.name + "CustomAction")
	custom := d.defs[e.name+"CustomAction"]["properties"].(obj) //nolint:forcetypeassert // made by invoke
	custom["parameters"] = obj{"type": "object", "properties": obj{"custom": obj{
		"type": "object", "additionalProperties": obj{"type": "object", "additionalProperties": d.ref("CustomField")},
	}}}
	d.paths[root+"/{actionName}"] = obj{
		"post": d.operation(e, "InvokeAction_CustomAction", []string{"{actionName}"}, e.name+"CustomAction", ran()),
	}
}

// actionParameters adds the parameters that an action of the contract takes.
func (d *schemaDoc) actionParameters(entityName, action string) {
	properties := obj{}
	for name, kind := range actionParameters()[entityName+"/"+action] {
		properties[name] = d.ref(kind)
	}
	if len(properties) > 0 {
		d.defs[action]["required"] = []string{"entity", "parameters"}
		d.defs[action]["properties"].(obj)["parameters"] = obj{"type": "object", "properties": properties} //nolint:forcetypeassert // made by invoke
	}
}

// operation describes one method of one path. Parameters are named as they
// stand in the address: $query or {path}.
func (d *schemaDoc) operation(e *entity, id string, params []string, body string, responses obj) obj {
	responses["401"] = d.body(obj{"description": "Not signed in.", "schema": d.ref("HttpError")})
	responses["500"] = d.body(obj{"description": "Any other error.", "schema": d.ref("HttpError")})
	op := obj{"tags": []string{e.name}, "operationId": fmt.Sprintf("%s_%s", e.name, id), "responses": responses}
	list := []obj{}
	for _, p := range params {
		list = append(list, d.parameter(p))
	}
	switch {
	case body == "":
	case d.open():
		op["requestBody"] = d.body(obj{"required": true, "schema": d.ref(body)})
	default:
		list = append(list, obj{"in": "body", "name": "entity", "required": true, "schema": d.ref(body)})
	}
	if len(list) > 0 {
		op["parameters"] = list
	}
	return op
}

func (d *schemaDoc) parameter(p string) obj {
	param, kind := obj{"in": "query", "name": p}, obj{"type": "string"}
	if p[0] == '{' {
		param = obj{"in": "path", "name": p[1 : len(p)-1], "required": true}
	}
	if p == "$skip" || p == "$top" {
		kind = obj{"type": "integer", "format": "int32"}
	}
	if d.open() {
		param["schema"] = kind
		return param
	}
	maps.Copy(param, kind)
	return param
}

// body puts the schema of a body where the version wants it.
func (d *schemaDoc) body(b obj) obj {
	if d.open() {
		b["content"] = obj{"application/json": obj{"schema": b["schema"]}, "text/json": obj{"schema": b["schema"]}}
		delete(b, "schema")
	}
	return b
}
