// The recipe that gets results out.

package feeding_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

func results() []recipe {
	return []recipe{{
		"results into Postgres",
		[]string{"accounts.yml", "push.yml", "generations.sql", "kie_results.sql", "kie-results", "kie-results.cron"},
		[]string{"curl", "psql", initdb},
		nightly,
	}}
}

// nightly has two nights pass, with a task that ends before each, and then one more: each task is in the table once.
func nightly(k *kitchen) {
	k.exporter("accounts.yml", "push.yml")
	k.database()
	k.sql(k.snippet("kie_results.sql"))
	k.push(k.api.create("kling"))
	k.cron("kie-results.cron", "kie-results")
	for night := range 2 {
		wait.Until(k.T, 30*time.Second, time.Second, func() error {
			k.run("sh", "-c", k.dir+"/usr/local/bin/kie-results")
			if rows := k.sql("select task_id from kie_results order by cursor"); rows != strings.Join(k.api.ids(), "\n")+"\n" {
				return errors.New("there are " + rows)
			}
			return nil
		})
		if night == 0 {
			k.push(k.api.create("kling"))
		}
	}
	if rows := k.sql(`select "group", model, state, credits, labels->>'team', completed_at > now() - interval '1 hour' from kie_results limit 1`); rows != "film|kling|success|1|film|t\n" {
		k.Errorf("the first row has %s", rows)
	} else {
		k.Logf("a row has %s", strings.TrimSpace(rows))
	}
}

// push pushes an id, and repeats that as long as it is told to.
func (k *kitchen) push(id string) {
	k.Helper()
	wait.Until(k.T, 20*time.Second, 100*time.Millisecond, func() error {
		req, err := http.NewRequestWithContext(k.Context(), http.MethodPost, k.swapped("http://localhost:10059/api/v1/groups/film/tasks"), strings.NewReader(id))
		if err != nil {
			return err
		}
		req.Header = http.Header{"Authorization": {"Bearer " + secrets["kie_push_token"]}, "Content-Type": {"text/plain"}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	})
	k.knows(id)
}
