// The order of packages: this is the place to edit when one comes or goes.

package main

// order lists the packages of the exporter's module from the top down, by folder; "." is the program. A package imports only what is
// in a line below its own.
func order() [][]string {
	return [][]string{
		{"."},
		{"internal/app"},
		{"internal/push", "internal/source/set"},
		{"internal/source/groups"},
		{"internal/source/files", "internal/source/inline", "internal/source/pushed", "internal/source/remote"},
		{"internal/source/ledger", "internal/source/pushlist"},
		{"internal/source/list"},
		{"internal/source/capacity"},
		{"internal/source/owners", "internal/source/tally"},
		{"internal/source/claim"},
		{"internal/source/grace", "internal/source/latest", "internal/source/past", "internal/source/reads", "internal/source/secrets", "internal/source/turns"},
		{"internal/sim/demo", "internal/sim/polling/report"},
		{"internal/sim/kiesim", "internal/sim/polling", "internal/sim/replicas"},
		{"internal/exposition"},
		{"collector"},
		{"internal/openapi", "internal/web"},
		{"internal/webhook"},
		{"internal/tracker"},
		{"internal/evict", "internal/probe", "internal/records"},
		{"internal/results"},
		{"internal/reader"},
		{"internal/tasks"},
		{"internal/summary", "internal/unlisted", "internal/withheld"},
		{"internal/entry"},
		{"internal/dispatch"},
		{"internal/history"},
		{"internal/backlog", "internal/blocks", "internal/labels", "internal/learned", "internal/life", "internal/totals"},
		{"internal/view"},
		{"config"},
		{"internal/source/format"},
		{"internal/source/jsonlist", "internal/source/yamllist"},
		{"internal/source/bounded", "internal/source/parsed"},
		{"internal/replicas"},
		{"internal/httpclient", "internal/keyfile"},
		{"internal/settings"},
		{"internal/apikey", "internal/duration"},
		{"internal/settings/document"},
		{"internal/cluster", "internal/mailbox", "internal/shared"},
		{"internal/budget", "internal/connections", "internal/packed", "internal/querylog", "internal/redis", "internal/spending", "internal/store"},
		{"internal/source"},
		{"internal/pace", "internal/schedule"},
		{"internal/kie"},
		{"internal/buildinfo", "internal/histogram", "internal/question", "internal/share", "internal/table", "internal/taskseries"},
	}
}

// besides are folders of which packages are not ordered, since nothing that is may import them.
func besides() []string { return []string{"test"} }

// collectorFolder is the lowest package that may know Prometheus' client library.
const collectorFolder = "collector"

// clientLibrary is what no package below the collector imports.
func clientLibrary() []string {
	return []string{"github.com/prometheus/client_golang", "github.com/prometheus/client_model"}
}

// mostLines is how many lines, without tests, each of the packages has at the most that were one tracker, one configuration or one package
// of sources once.
const mostLines = 900

func bounded() []string {
	return []string{
		"config", "internal/backlog", "internal/blocks", "internal/cluster", "internal/dispatch", "internal/entry", "internal/evict", "internal/history", "internal/httpclient",
		"internal/labels", "internal/learned", "internal/life", "internal/mailbox", "internal/packed", "internal/probe", "internal/reader", "internal/records", "internal/redis", "internal/results", "internal/settings",
		"internal/source/claim", "internal/source/groups", "internal/source/ledger", "internal/source/list", "internal/source/owners", "internal/source/past",
		"internal/source/reads", "internal/source/capacity", "internal/source/set", "internal/source/pushlist", "internal/source/turns", "internal/summary",
		"internal/tasks", "internal/totals", "internal/tracker", "internal/unlisted", "internal/view", "internal/withheld",
	}
}
