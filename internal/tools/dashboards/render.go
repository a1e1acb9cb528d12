// A dashboard as Grafana's JSON, in the classic schema that every current Grafana imports.

package main

import (
	"fmt"
	"maps"
	"slices"
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

// alerts marks the times at which an alert of the exporter's rules fired. Without the rules there are no marks.
func alerts() object {
	return object{
		"name": "Alerts", "enable": true, "hide": false, "iconColor": "red", "datasource": source,
		"target": object{
			"refId": "Alerts", "expr": `ALERTS{alertname=~"Kie.*",alertstate="firing"}`, "datasource": source,
		},
		"titleFormat": "{{alertname}}", "textFormat": "severity {{severity}}", "tagKeys": "severity",
	}
}

func (v variable) render() object {
	o := object{"name": v.name, "label": v.label, "description": v.about, "hide": 0}
	if v.values != nil {
		options := make([]object, len(v.values))
		for i, value := range v.values {
			options[i] = object{"text": value, "value": value, "selected": i == 0}
		}
		maps.Copy(o, object{
			"type": "custom", "query": strings.Join(v.values, ","), "options": options, "current": options[0],
			"includeAll": false, "multi": false,
		})
		return o
	}
	label := v.of
	if label == "" {
		label = v.name
	}
	values := fmt.Sprintf("label_values(%s, %s)", macros.Replace(v.series), label)
	maps.Copy(o, object{
		"type": "query", "datasource": source, "definition": values,
		"query":   object{"query": values, "refId": "Variable"},
		"refresh": 2, // whenever the time range changes
		"sort":    1, "options": []object{}, "includeAll": !v.single, "multi": !v.single,
	})
	if !v.single {
		if v.all != "" {
			o["allValue"] = v.all
		}
		o["current"] = object{"text": []string{"All"}, "value": []string{"$__all"}, "selected": true}
	}
	return o
}

// panels lays the rows out below each other.
func (d dashboard) panels() []object {
	var all []object
	y := 0
	place := func(o object, x, width, height int) {
		o["id"] = len(all) + 1
		o["gridPos"] = object{"x": x, "y": y, "w": width, "h": height}
		all = append(all, o)
	}
	for _, r := range d.rows {
		if r.title != "" {
			place(object{"type": "row", "title": r.title, "collapsed": false, "panels": []object{}}, 0, gridWidth, 1)
			y++
		}
		x := 0
		for _, p := range r.panels {
			place(p.render(), x, p.width, r.height)
			x += p.width
		}
		y += r.height
	}
	return all
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
		}
	}
	return targets
}

// refID names the queries of a panel A, B, C.
func refID(i int) string { return "ABCDEFGHIJ"[i : i+1] }

func (p panel) defaults() object {
	o := object{
		"unit": string(p.unit), "noValue": p.empty, "color": object{"mode": "palette-classic"},
		"mappings": mappings(p.texts), "thresholds": thresholds(p.levels),
	}
	if p.kind != timeseries && (p.levels != nil || p.kind == stat) {
		o["color"] = object{"mode": "thresholds"}
	}
	if p.minimum {
		o["min"] = 0
	}
	if p.maximum != 0 {
		o["max"] = p.maximum
	}
	if p.linked != nil {
		o["links"] = links(p.linked)
	}
	if custom := p.custom(); custom != nil {
		o["custom"] = custom
	}
	return o
}

// custom is how a kind of panel draws.
func (p panel) custom() object {
	switch p.kind {
	case timeseries:
		o := object{
			"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false,
			"lineInterpolation": "linear", "thresholdsStyle": object{"mode": "off"},
		}
		if p.stacked {
			o["stacking"] = object{"group": "A", "mode": "normal"}
			o["fillOpacity"] = 40
		}
		if p.levels != nil {
			o["thresholdsStyle"] = object{"mode": "line"}
		}
		return o
	case timeline:
		return object{"lineWidth": 0, "fillOpacity": 80, "spanNulls": false}
	case table:
		return object{"align": "auto", "cellOptions": object{"type": "auto"}, "filterable": true, "inspect": false}
	case heatmap:
		return object{"hideFrom": object{"legend": false, "tooltip": false, "viz": false}}
	case stat, bars:
	}
	return nil
}

func (p panel) options() object {
	switch p.kind {
	case stat:
		return p.statOptions()
	case timeseries:
		return object{
			"legend": object{
				"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull"},
			},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		}
	case timeline:
		return object{
			"mergeValues": true, "showValue": "never", "rowHeight": 0.8, "alignValue": "left",
			"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []string{}},
			"tooltip": object{"mode": "single", "sort": "none"},
		}
	case bars:
		return object{
			"displayMode": "basic", "orientation": "horizontal", "reduceOptions": lastValue(), "showUnfilled": false,
			"minVizHeight": 16, "minVizWidth": 8, "maxVizHeight": 32, "namePlacement": "left", "sizing": "auto",
			"valueMode": "text",
			"legend":    object{"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []string{}},
		}
	case heatmap:
		return heatmapOptions()
	case table:
	}
	o := object{"showHeader": true, "cellHeight": "sm", "frameIndex": 0}
	if p.columns != nil {
		o["sortBy"] = []object{{"displayName": p.columns[0].title, "desc": false}}
	}
	return o
}

func (p panel) statOptions() object {
	graph, coloured := "none", "value"
	if p.sparkline {
		graph = "area"
	}
	if p.levels != nil || p.texts != nil {
		coloured = "background"
	}
	return object{
		"colorMode": coloured, "graphMode": graph, "justifyMode": "auto", "orientation": "auto",
		"reduceOptions": lastValue(), "textMode": "auto", "wideLayout": true,
		"showPercentChange": false, "percentChangeColorMode": "standard",
	}
}

func lastValue() object {
	return object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
}

func heatmapOptions() object {
	return object{
		"calculate": false, "cellGap": 1, "showValue": "never",
		"color": object{
			"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "dark-orange", "reverse": false,
			"scale": "exponential",
		},
		"cellValues":   object{"unit": "short"},
		"exemplars":    object{"color": "rgba(31, 96, 196, 0.8)"},
		"filterValues": object{"le": 1e-9},
		"legend":       object{"show": true},
		"rowsFrame":    object{"layout": "auto"},
		"tooltip":      object{"mode": "single", "yHistogram": false, "showColorScale": true},
		"yAxis":        object{"axisPlacement": "left", "reverse": false, "unit": string(seconds)},
	}
}

// overrides gives colours to series and shape to columns.
func (p panel) overrides() []object {
	all := []object{}
	for _, legend := range slices.Sorted(maps.Keys(p.colours)) {
		all = append(all, override(legend, object{
			"id": "color", "value": object{"mode": "fixed", "fixedColor": string(p.colours[legend])},
		}))
	}
	for _, c := range p.columns {
		all = append(all, override(c.title, c.properties()...))
	}
	return all
}

func override(name string, properties ...object) object {
	return object{"matcher": object{"id": "byName", "options": name}, "properties": properties}
}

func (c column) properties() []object {
	properties := []object{{"id": "unit", "value": string(c.unit)}}
	if c.width != 0 {
		properties = append(properties, object{"id": "custom.width", "value": c.width})
	}
	if c.texts != nil || c.levels != nil {
		properties = append(
			properties,
			object{"id": "custom.cellOptions", "value": object{"type": "color-text"}},
			object{"id": "mappings", "value": mappings(c.texts)},
			object{"id": "thresholds", "value": thresholds(c.levels)},
			object{"id": "color", "value": object{"mode": "thresholds"}},
		)
	}
	if c.linked != nil {
		properties = append(properties, object{"id": "links", "value": links(c.linked)})
	}
	return properties
}

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

func mappings(texts map[string]text) []object {
	if len(texts) == 0 {
		return []object{}
	}
	options := object{}
	for i, value := range slices.Sorted(maps.Keys(texts)) {
		options[value] = object{"text": texts[value].text, "color": string(texts[value].colour), "index": i}
	}
	return []object{{"type": "value", "options": options}}
}

func thresholds(levels []level) object {
	steps := []object{{"color": string(grey), "value": nil}}
	for i, l := range levels {
		if i == 0 {
			steps[0]["color"] = string(l.colour)
			continue
		}
		steps = append(steps, object{"color": string(l.colour), "value": l.from})
	}
	return object{"mode": "absolute", "steps": steps}
}

func links(l *link) []object {
	return []object{{"title": l.title, "url": l.url, "targetBlank": false}}
}
