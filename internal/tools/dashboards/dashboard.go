// What a dashboard is made of, declared as data.

package main

// A dashboard shows rows of panels below each other.
type dashboard struct {
	uid, title, description string
	variables               []variable
	rows                    []row
}

// A row's panels are equally high and stand beside each other, from left to right. Without a title it has no header.
type row struct {
	title     string
	height    int
	panels    []panel
	wrap      int    // the width after which panels go on below; 0: that of the grid
	beside    *panel // to the right of what is wrapped, and as high as all of it
	collapsed bool
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

	levels   []level           // colours by value; none: no judgement
	texts    map[string]text   // shown instead of values
	colours  map[string]colour // of series, by legend
	colour   colour            // of all series
	minimum  bool              // the axis begins at 0
	maximum  float64           // where the axis ends; 0: where the data does
	stacked  bool
	ranked   bool      // the legend is a table at the right, the highest value first
	columns  []column  // of a table, in their order
	sorted   []sorting // of a table; none: by its first column
	linked   *link     // where a click on a value leads
	named    bool      // a stat shows the legend beside its value, a lane its texts
	interval string    // the least distance of two points
}

type query struct {
	expr, legend string
	dashed       bool   // drawn so that it is seen over a line that it covers
	colour       colour // of its series; "": by their legends
	exemplars    bool   // shows single tasks as points
}

// line returns a query that is drawn as any other.
func line(expr, legend string) query { return query{expr: expr, legend: legend} }

type kind string

const (
	stat       kind = "stat"
	timeseries kind = "timeseries"
	heatmap    kind = "heatmap"
	bars       kind = "bargauge"
	timeline   kind = "state-timeline"
	table      kind = "table"
)

// instant says that a panel of that kind shows one moment and not a range of time: the last value of a range may be of
// an exporter that is long gone.
func (k kind) instant() bool { return k == table || k == bars || k == stat }

type unit string

const (
	number    unit = "none"
	compact   unit = "short"
	amount    unit = "locale" // with separators of thousands
	ratio     unit = "percentunit"
	seconds   unit = "s"
	perMinute unit = "suffix: /min"
	perHour   unit = "suffix: /h"
	perSecond unit = "reqps"
	factor    unit = "suffix: ×"
	cores     unit = "suffix: cores"
	bytesIEC  unit = "bytes"
	moment    unit = "dateTimeAsIso"
	words     unit = "string"
)

// whole says that values of that unit are counts, or as large.
func (u unit) whole() bool { return u == number || u == amount || u == perHour }

type colour string

const (
	green     colour = "green"
	yellow    colour = "yellow"
	orange    colour = "orange"
	red       colour = "red"
	darkRed   colour = "dark-red"
	lightBlue colour = "light-blue"
	blue      colour = "blue"
	darkBlue  colour = "semi-dark-blue"
	purple    colour = "purple"

	// Of what is rare and has many kinds.
	lightRed    colour = "light-red"
	lightOrange colour = "light-orange"
	lightYellow colour = "light-yellow"
	lightPurple colour = "light-purple"
	darkOrange  colour = "dark-orange"
	darkYellow  colour = "dark-yellow"
	darkGreen   colour = "dark-green"
	darkPurple  colour = "dark-purple"

	grey  colour = "#808080"                  // readable on black and on white
	faint colour = "rgba(128, 128, 128, 0.2)" // of an empty lane, on black and on white
	plain colour = "text"
)

// A level is the colour of values from a bound on.
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
	linked, also *link
	decimals     int // of a value that is no count; 0: as Grafana likes
}

type sorting struct {
	column     string
	descending bool
}

type link struct{ title, url string }

// A variable is chosen at the top of a dashboard.
type variable struct {
	name, label, about string
	series             string   // its values are those of the label of its name in these series
	values             []string // or these, the first being chosen
	typed              bool     // or whatever is typed
	preset             string   // what is typed at first
	all                string   // what stands for all values; "": the list of them
}

// lowest is below any balance.
const lowest = -1e12

// healthy returns the levels of a count that ought to be 0.
func healthy(c colour) []level { return []level{{0, green}, {1, c}} }

// worse returns the levels of a value that is worth a look from one bound on, and bad from another.
func worse(look, bad float64) []level { return []level{{0, green}, {look, orange}, {bad, red}} }
