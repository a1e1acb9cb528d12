// What the demo stages, told to whoever watches it.

package demo

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// Announce says where to look.
func (d *Demo) Announce(addresses []net.Addr, metricsPath string) {
	_, port, err := net.SplitHostPort(addresses[0].String())
	if err != nil {
		port = "10059"
	}
	d.say(`kie_exporter demo: made-up tasks of simulated kie.ai APIs, living %[1]d times as fast as real ones.

  Tasks         http://localhost:%[2]s/tasks
  Metrics       http://localhost:%[2]s%[3]s
  Landing page  http://localhost:%[2]s/

  curl -s http://localhost:%[2]s%[3]s | grep -E '^kie_tasks(_finished_total|_failed_total|\{)'

Totals of a new model show 0 for their first %[4]s. Ctrl-C ends the demo.
`, speed, port, metricsPath, HoldBack)
}

// AnnounceIncidents says what goes wrong on purpose and when, and has each incident told when it begins.
func (d *Demo) AnnounceIncidents(exporter *url.URL) {
	d.say(`What it stages, so that you know it when you see it:
  all along      every 25th id of a list is unknown to the API, and leaves the list some minutes later;
                 every 25th success has no result; group shop is told of each end by a callback;
                 ids of group clips are pushed, and its tasks go %.0[1]f minutes after they have finished; push one yourself:
                 curl -H 'Authorization: Bearer %[2]s' -H 'Content-Type: text/plain' --data ID %[3]s/api/v1/groups/clips/tasks
                 group songs is of endpoint suno, and trailers of veo, where tasks look otherwise; all others are jobs
  every 30 s     one model of each account fails for 12 s: 4 of 5 of its tasks
`, keep.Minutes(), token, exporter)
	for _, first := range d.refusals(time.Now()) {
		d.say("  at %s    account %s: %s\n", first.From.Format(time.TimeOnly), first.account, inWords(first.Incident))
	}
	d.say("Refusals come again every 4 minutes.\n\n")
	for _, a := range d.apis {
		d.parts.Go(func() { d.tell(a) })
	}
}

// staged is an incident of an account.
type staged struct {
	account string
	kiesim.Incident
}

// refusals returns the next refusal of each kind for each account, in their order.
func (d *Demo) refusals(from time.Time) (all []staged) {
	for _, a := range d.apis {
		met := map[kiesim.IncidentKind]bool{kiesim.Burst: true}
		for incident := range a.api.Incidents(from) {
			if !met[incident.Kind] {
				met[incident.Kind] = true
				all = append(all, staged{a.account, incident})
			}
			if met[kiesim.RateLimit] && met[kiesim.Maintenance] {
				break
			}
		}
	}
	slices.SortFunc(all, func(a, b staged) int { return a.From.Compare(b.From) })
	return all
}

// tell says of each incident of an account that it begins.
func (d *Demo) tell(a *simulated) {
	for incident := range a.api.Incidents(time.Now()) {
		select {
		case <-time.After(time.Until(incident.From)):
		case <-d.ctx.Done():
			return
		}
		d.say("%s demo: account %s: %s\n", incident.From.Format(time.TimeOnly), a.account, inWords(incident))
	}
}

// inWords says what happens in an incident, and what is seen of it.
func inWords(i kiesim.Incident) string {
	end := i.To.Format(time.TimeOnly)
	switch i.Kind {
	case kiesim.RateLimit:
		return "rate limit (429) until " + end + "; the exporter asks less often, waits some seconds, and tries again"
	case kiesim.Maintenance:
		return "maintenance (455) until " + end + "; kie_up is 0 until the exporter tries again, a minute after the first refusal"
	default:
		return "most new tasks of " + i.Model + " fail until " + end
	}
}

// say prints for whoever started the demo. What can't be printed is lost, and nothing else.
func (d *Demo) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = fmt.Fprintf(d.stdout, format, args...)
}
