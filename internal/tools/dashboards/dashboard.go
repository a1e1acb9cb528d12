// What a dashboard is made of, declared as data.

package main

// A dashboard shows rows of panels below each other.
type dashboard struct {
	uid, title, description string
	variables               []variable
	rows                    []row
}

// A row is as high as its panels, which fill its width from left to right. Without a title it has no header.
type row struct {
	title  string
	height int
	panels []panel
}

// gridWidth is the width of a row.
const gridWidth = 24

// A panel shows the results of its queries.
type panel struct {
	kind    kind
	title   string
	about   string // the description: what is shown, and what to make of it
	empty   string // shown where there is no data: why there may be none
	width   int
	unit    unit
	queries []query

	levels    []level           // colours by value; none: no judgement
	texts     map[string]text   // shown instead of values
	colours   map[string]colour // of series, by legend
	minimum   bool              // the axis begins at 0
	maximum   float64           // where the axis ends; 0: where the data does
	stacked   bool
	columns   []column // of a table, in their order
	linked    *link    // where a click on a value leads
	sparkline bool     // of a stat
}

type query struct {
	expr   string
	legend string
}

type kind string

const (
	stat       kind = "stat"
	timeseries kind = "timeseries"
	heatmap    kind = "heatmap"
	bars       kind = "bargauge"
	timeline   kind = "state-timeline"
	table      kind = "table"
)

// instant says that a panel of that kind shows one moment and not a range of time.
func (k kind) instant() bool { return k == table || k == bars }

type unit string

const (
	number    unit = "none"
	compact   unit = "short"
	ratio     unit = "percentunit"
	seconds   unit = "s"
	perMinute unit = "suffix: /min"
	perHour   unit = "suffix: /h"
	perSecond unit = "reqps"
	cores     unit = "suffix: cores"
	bytesIEC  unit = "bytes"
	moment    unit = "dateTimeAsIso"
	words     unit = "string"
)

type colour string

const (
	green  colour = "green"
	yellow colour = "yellow"
	orange colour = "orange"
	red    colour = "red"
	blue   colour = "blue"
	purple colour = "purple"
	grey   colour = "text"
	none   colour = "transparent"
)

// A level is the colour of values from a bound on. The first level of a panel has no bound.
type level struct {
	from   float64
	colour colour
}

// A text stands for a value.
type text struct {
	text   string
	colour colour
}

// A column of a table is a field of the queries' joined results: a label, or the value of a query.
type column struct {
	field, title string
	unit         unit
	width        int
	texts        map[string]text
	levels       []level
	linked       *link
}

type link struct{ title, url string }

// A variable is chosen at the top of a dashboard.
type variable struct {
	name, label, about string
	series             string   // its values are those of the label `of` in these series
	of                 string   // the label; "": the variable's name
	values             []string // or these, the first being chosen
	all                string   // what stands for all values; "": the list of them
	single             bool     // one value, not several or all
}

// healthy returns the levels of a value that is bad from a bound on.
func healthy(bad float64, c colour) []level { return []level{{0, green}, {bad, c}} }
