package push

import (
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

func TestAVariantIsTaken(t *testing.T) {
	for body, want := range map[string]string{
		`{"taskId":"a","model":"m","variant":" 10s\u0000 "}`:           source.Hint("m", "10s"),
		`{"data":{"taskId":"a","model":"m"},"variant":"10s"}`:          source.Hint("m", "10s"),
		`{"taskId":"a","variant":"10s"}`:                               source.Hint("", "10s"),
		`{"taskId":"a","model":"m","variant":""}`:                      "m",
		`{"taskId":"a","model":"m","variant":{"secret":"of a param"}}`: "m",
	} {
		b, err := bodyOf(asJSON, body)
		if err != nil || len(b.tasks) != 1 || b.tasks[0].Model != want {
			t.Errorf("%s: %+v, %v", body, b, err)
		}
	}
}
