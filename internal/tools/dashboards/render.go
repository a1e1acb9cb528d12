// A dashboard as Grafana's JSON, in the classic schema that every current Grafana imports.

package main

import (
	"fmt"
	"maps"
	"strings"
)

type object = map[string]any

// schemaVersion is that of Grafana 12; later ones migrate it when they load it.
const schemaVersion = 42

// tag is on all dashboards of the exporter; the links between them go by it.
const tag = "kie_exporter"

var source = object{"type": "prometheus", "uid": "${datasource}"}

func (d dashboard) render() object {
	variables := []object{{
		"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
		"refresh": 1, "includeAll": false, "multi": false, "options": []object{}, "hide": 0,
	}}
	for _, v := range d.variables {
		variables = append(variables, v.render())
	}
	return object{
		"uid": d.uid, "title": d.title, "description": d.description, "tags": []string{tag, "kie.ai"},
		"schemaVersion": schemaVersion, "version": 1, "editable": true, "graphTooltip": 1,
		"refresh": "30s", "time": object{"from": "now-6h", "to": "now"}, "timezone": "browser",
		"templating":  object{"list": variables},
		"annotations": object{"list": []object{alerts()}},
		"links": []object{{
			"type": "dashboards", "title": "kie.ai", "tags": []string{tag}, "asDropdown": false, "icon": "external link",
			"includeVars": true, "keepTime": true, "targetBlank": false, "tooltip": "The other dashboards of kie_exporter",
		}},
		"panels": d.panels(),
	}
}

// alerts marks, where it is switched on, the times at which generation stood still. Without the rules there are no marks.
// Some versions of Grafana read the expression itself, some that of the target.
func alerts() object {
	const critical = `max by (alertname) (ALERTS{alertname=~"Kie.*",alertname!="KieTaskFailed",alertstate="firing",severity="critical",job=~"$job"})`
	return object{
		"name": "Critical alerts", "enable": false, "hide": false, "iconColor": "red", "datasource": source,
		"expr": critical, "target": object{"refId": "Alerts", "expr": critical, "datasource": source},
		"titleFormat": "{{alertname}}", "textFormat": "a critical alert was firing", "tagKeys": "alertname",
	}
}

func (v variable) render() object {
	o := object{"name": v.name, "label": v.label, "description": v.about, "hide": 0}
	switch {
	case v.typed:
		typed := object{"text": v.preset, "value": v.preset, "selected": true}
		maps.Copy(o, object{"type": "textbox", "query": v.preset, "current": typed, "options": []object{typed}})
	case v.values != nil:
		options := make([]object, len(v.values))
		for i, value := range v.values {
			options[i] = object{"text": value, "value": value, "selected": i == 0}
		}
		maps.Copy(o, object{
			"type": "custom", "query": strings.Join(v.values, ","), "options": options, "current": options[0],
			"includeAll": false, "multi": false,
		})
	default:
		values := fmt.Sprintf("label_values(%s, %s)", macros.Replace(v.series), v.name)
		maps.Copy(o, object{
			"type": "query", "datasource": source, "definition": values,
			"query":   object{"query": values, "refId": "Variable"},
			"refresh": 2, // whenever the time range changes
			"sort":    1, "options": []object{}, "includeAll": true, "multi": true,
			"current": object{"text": []string{"All"}, "value": []string{"$__all"}, "selected": true},
		})
		if v.all != "" {
			o["allValue"] = v.all
		}
	}
	return o
}

// A layout places panels on the grid.
type layout struct {
	panels []object
	y, id  int
}

// panels lays the rows out below each other.
func (d dashboard) panels() []object {
	l := &layout{}
	for _, r := range d.rows {
		l.row(r)
	}
	return l.panels
}

// place gives a panel its place and number.
func (l *layout) place(o object, x, y, width, height int) object {
	l.id++
	o["id"] = l.id
	o["gridPos"] = object{"x": x, "y": y, "w": width, "h": height}
	return o
}

func (l *layout) row(r row) {
	var header object
	if r.title != "" {
		header = l.place(object{"type": "row", "title": r.title, "collapsed": r.collapsed}, 0, l.y, gridWidth, 1)
		l.y++
	}
	content, height := l.content(r)
	if r.collapsed { // its panels are within it, and take no room
		header["panels"] = content
		l.panels = append(l.panels, header)
		return
	}
	if header != nil {
		header["panels"] = []object{}
		l.panels = append(l.panels, header)
	}
	l.panels = append(l.panels, content...)
	l.y += height
}

// content returns a row's panels in their places, and how high they are together.
func (l *layout) content(r row) (content []object, height int) {
	wrap := r.wrap
	if wrap == 0 {
		wrap = gridWidth
	}
	x, y := 0, l.y
	for _, p := range r.panels {
		if x+p.width > wrap {
			x, y = 0, y+r.height
		}
		content = append(content, l.place(p.render(), x, y, p.width, r.height))
		x += p.width
	}
	height = y + r.height - l.y
	if r.beside != nil {
		content = append(content, l.place(r.beside.render(), wrap, l.y, r.beside.width, height))
	}
	return content, height
}

func (p panel) render() object {
	o := object{
		"type": string(p.kind), "title": p.title, "description": p.about, "datasource": source,
		"targets": p.targets(), "options": p.options(),
		"fieldConfig": object{"defaults": p.defaults(), "overrides": p.overrides()},
	}
	if p.kind == table {
		o["transformations"] = p.transformations()
	}
	return o
}

func (p panel) targets() []object {
	format := map[kind]string{table: "table", heatmap: "heatmap"}[p.kind]
	if format == "" {
		format = "time_series"
	}
	targets := make([]object, len(p.queries))
	for i, q := range p.queries {
		targets[i] = object{
			"refId": refID(i), "datasource": source, "expr": macros.Replace(q.expr), "legendFormat": q.legend,
			"editorMode": "code", "format": format, "instant": p.kind.instant(), "range": !p.kind.instant(),
			"exemplar": q.exemplars,
		}
		if p.interval != "" {
			targets[i]["interval"] = p.interval
		}
	}
	return targets
}

// refID names the queries of a panel A, B, C.
func refID(i int) string { return "ABCDEFGHIJKL"[i : i+1] }

// transformations joins the queries' results by the labels that they share, and keeps the declared columns; without
// any, all labels.
func (p panel) transformations() []object {
	if p.columns == nil {
		hidden := object{"Time": true, "Value": true}
		return []object{{"id": "organize", "options": object{
			"excludeByName": hidden, "includeByName": object{}, "indexByName": object{}, "renameByName": object{},
		}}}
	}
	order, names, include := object{}, object{}, object{}
	for i, c := range p.columns {
		order[c.field], names[c.field], include[c.field] = i, c.title, true
	}
	return []object{
		{"id": "merge", "options": object{}},
		{"id": "organize", "options": object{
			"indexByName": order, "renameByName": names, "includeByName": include, "excludeByName": object{},
		}},
	}
}
