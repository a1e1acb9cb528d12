// Package soak_test lets the built exporter run against an API that misbehaves, task lists that are rewritten at any moment, reloads,
// and kills, and checks all along and at the end that everything it says is true. Another test lets strangers attack it at every door.
//
// SOAK is for how long (30s), SOAK_SEED what chance decides (1), SOAK_REPORT and SOAK_ATTACK_REPORT a document that gets the results
// between its markers.
// Chance decides the same for the same seed; what it meets depends on the machine's timing.
package soak_test

import (
	"os"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// repo is the root of the repository.
const repo = "../../.."

func TestMain(m *testing.M) { os.Exit(program.Main(m, repo)) }
