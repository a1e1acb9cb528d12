// Package faults_test runs the built exporter, several replicas over one Redis and one simulated API, has things go wrong, and looks all along who
// holds what, who asks about what, and what is counted.
//
// SOAK is for how long the soak goes on (30s), SOAK_SEED what chance decides (1), SOAK_REPORT a document that gets its results between its marks.
package faults_test

import (
	"os"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, "../../..")) }
