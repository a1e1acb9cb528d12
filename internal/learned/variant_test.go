package learned

import (
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// wait returns how long after its creation a task is first asked again where there is budget to spare.
func wait(d *schedule.Durations) time.Duration {
	return d.Interval(schedule.Bounds{Min: time.Second, Max: time.Hour}, 0)
}

func TestAVariantIsLearnedWithinItsModel(t *testing.T) {
	g := NewGroups().Begin("video")
	model := g.Model("m")
	short, long := g.Variant("m", "5s", model), g.Variant("m", "10s", model)
	if short == long || g.Variant("m", "", model) != model || g.Variant("m", "5s", model) != short {
		t.Fatal("variants are not told apart")
	}
	teach(short, time.Minute)
	if wait(long) != wait(model) || wait(long) > time.Minute {
		t.Errorf("a variant of which nothing is known is asked after %v, its model after %v", wait(long), wait(model))
	}
	teach(long, 10*time.Minute)
	if got := wait(long); got < time.Minute || got <= wait(model) {
		t.Errorf("a slow variant is asked after %v, its model after %v", got, wait(model))
	}
	if got := wait(short); got > time.Minute {
		t.Errorf("a fast variant is asked after %v", got)
	}
	if got := wait(g.Expect(source.Hint("m", "10s"))); got != wait(long) {
		t.Errorf("by its hint a slow variant is asked after %v", got)
	}
	if short.Overdue() != model.Overdue() || long.Overdue() != model.Overdue() || model.Overdue() < 30*time.Minute {
		t.Errorf("overdue after %v and %v, the model after %v", short.Overdue(), long.Overdue(), model.Overdue())
	}
	if g.Variant(kie.Other, "5s", model) != model {
		t.Error("models that are counted together have variants")
	}
}

func TestAModelHasSoManyVariantsAtMost(t *testing.T) {
	g := NewGroups().Begin("video")
	m, n := g.Model("m"), g.Model("n")
	for i := range 10 * mostVariants {
		g.Variant("m", strconv.Itoa(i), m)
	}
	if len(g.byHint) != mostVariants || g.Variant("m", "one more", m) != m || g.Variant("m", "0", m) == m {
		t.Errorf("%d variants are told apart", len(g.byHint))
	}
	g.Variant("n", "0", n)
	g.forget(map[string]struct{}{"m": {}})
	if len(g.byHint) != 1 || g.Variant("m", "0", g.Model("m")) == m {
		t.Errorf("%d variants are left of a model that is forgotten and one that is not", len(g.byHint))
	}
}
