// Package e2e_test proves the exporter in a real Prometheus and Alertmanager, and checks what deploy/compose puts together.
// The API is simulated; all else is as users run it, each program a process of its own on a free port of the loopback.
//
// `make e2e` builds Prometheus, promtool and Alertmanager before; the exporter is built here.
package e2e_test

import (
	"os"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// repo is the root of the repository.
const repo = "../.."

func TestMain(m *testing.M) { os.Exit(program.Main(m, repo)) }
