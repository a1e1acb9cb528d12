// How panels look: units, colours, legends, columns.

package main

import (
	"maps"
	"slices"
)

func (p panel) defaults() object {
	o := object{
		"unit": string(p.unit), "noValue": p.empty, "color": p.colouring(),
		"mappings": mappings(p.texts), "thresholds": thresholds(p.levels),
	}
	if p.kind == timeseries {
		o["thresholds"] = marks(p.levels)
	}
	if p.unit.whole() && p.kind != timeseries { // whose axis would say what the panel says without data beside each tick between two counts
		o["decimals"] = 0
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

func (p panel) colouring() object {
	switch {
	case p.colour != "":
		return object{"mode": "fixed", "fixedColor": string(p.colour)}
	case p.kind != timeseries && (p.levels != nil || p.kind == stat):
		return object{"mode": "thresholds"}
	}
	return object{"mode": "palette-classic"}
}

// custom is how a kind of panel draws.
func (p panel) custom() object {
	switch p.kind {
	case timeseries:
		o := object{
			"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "never", "spanNulls": false,
			"lineInterpolation": "linear", "thresholdsStyle": object{"mode": "off"},
		}
		if p.stacked {
			o["stacking"] = object{"group": "A", "mode": "normal"}
			o["fillOpacity"] = 40
		}
		if p.levels != nil {
			o["thresholdsStyle"] = object{"mode": "dashed"}
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
		return object{"legend": p.legend(), "tooltip": object{"mode": "multi", "sort": "desc"}}
	case timeline:
		shown := "never"
		if p.named {
			shown = "auto"
		}
		return object{
			"mergeValues": true, "showValue": shown, "rowHeight": 0.8, "alignValue": "left",
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
	return p.tableOptions()
}

func (p panel) legend() object {
	if p.ranked {
		return object{
			"displayMode": "table", "placement": "right", "showLegend": true, "calcs": []string{"lastNotNull"},
			"sortBy": "Last *", "sortDesc": true,
		}
	}
	return object{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull"}}
}

func (p panel) tableOptions() object {
	o := object{"showHeader": true, "cellHeight": "sm", "frameIndex": 0}
	by := p.sorted
	if by == nil && p.columns != nil {
		by = []sorting{{p.columns[0].title, false}}
	}
	var sortBy []object
	for _, s := range by {
		sortBy = append(sortBy, object{"displayName": s.column, "desc": s.descending})
	}
	if sortBy != nil {
		o["sortBy"] = sortBy
	}
	return o
}

func (p panel) statOptions() object {
	coloured, shown := "value", "value"
	if p.levels != nil {
		coloured = "background"
	}
	if p.named {
		shown = "value_and_name"
	}
	return object{
		"colorMode": coloured, "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
		"reduceOptions": lastValue(), "textMode": shown, "wideLayout": true,
		"showPercentChange": false, "percentChangeColorMode": "standard",
	}
}

// lastValue reduces what is one value already.
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
		"cellValues":   object{"unit": "short", "decimals": 0},
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
		all = append(all, override("byName", legend, fixed(p.colours[legend])))
	}
	for i, q := range p.queries {
		var properties []object
		if q.colour != "" {
			properties = append(properties, fixed(q.colour))
		}
		if q.dashed {
			properties = append(properties,
				object{"id": "custom.lineStyle", "value": object{"fill": "dash", "dash": []int{8, 6}}},
				object{"id": "custom.lineWidth", "value": 2},
			)
		}
		if properties != nil {
			all = append(all, override("byFrameRefID", refID(i), properties...))
		}
	}
	for _, c := range p.columns {
		all = append(all, override("byName", c.title, c.properties()...))
	}
	if p.kind == table && p.columns == nil {
		all = append(all, override("byRegexp", "/.*/", object{"id": "noValue", "value": emptyCell}))
	}
	return all
}

// emptyCell is shown in cells without a value, where Grafana would repeat what the panel says without data.
const emptyCell = "–"

func fixed(c colour) object {
	return object{"id": "color", "value": object{"mode": "fixed", "fixedColor": string(c)}}
}

func override(matcher, argument string, properties ...object) object {
	return object{"matcher": object{"id": matcher, "options": argument}, "properties": properties}
}

func (c column) properties() []object {
	properties := []object{{"id": "unit", "value": string(c.unit)}, {"id": "noValue", "value": emptyCell}}
	if c.width != 0 {
		properties = append(properties, object{"id": "custom.width", "value": c.width})
	}
	if c.decimals != 0 || c.unit.whole() {
		properties = append(properties, object{"id": "decimals", "value": c.decimals})
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
		properties = append(properties, object{"id": "links", "value": links(c.linked, c.also)})
	}
	return properties
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

// thresholds colour values by levels. What is below all of them, and no value at all, is grey, for Grafana shows it in the
// colour of the first step.
func thresholds(levels []level) object {
	unknown := grey
	if levels == nil {
		unknown = plain
	}
	steps := []object{{"color": string(unknown), "value": nil}}
	for _, l := range levels {
		steps = append(steps, object{"color": string(l.colour), "value": l.from})
	}
	return object{"mode": "absolute", "steps": steps}
}

// marks are levels of a graph, whose lines would else be drawn at the first one, too.
func marks(levels []level) object {
	if len(levels) == 0 {
		return thresholds(nil)
	}
	o := thresholds(levels[1:])
	o["steps"].([]object)[0]["color"] = string(levels[0].colour)
	return o
}

func links(all ...*link) []object {
	var list []object
	for _, l := range all {
		if l != nil {
			list = append(list, object{"title": l.title, "url": l.url, "targetBlank": false})
		}
	}
	return list
}
