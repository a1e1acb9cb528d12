// Recipes with files and lists.

package feeding_test

import (
	"errors"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

func lists() []recipe {
	return []recipe{
		{"file that grows and is rotated", []string{"accounts.yml", "file.yml", "file.sh", "kie-tasks"}, []string{"curl", "logrotate"}, rotated},
		{"list from Postgres", []string{"accounts.yml", "list.yml", "generations.sql", "kie-list", "kie-list.cron"}, []string{"curl", "psql", initdb}, listed},
		{"list by HTTP", []string{"accounts.yml", "http.yml", "list.mjs"}, []string{"curl", "node"}, served},
	}
}

// rotated appends, rotates, appends again and rotates once more: the exporter knows all three ids.
func rotated(k *kitchen) {
	k.exporter("accounts.yml", "file.yml")
	who, err := user.Current()
	if err != nil {
		k.Fatal(err)
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		k.Fatal(err)
	}
	k.swap("0640 shop kie_exporter", "0640 "+who.Username+" "+group.Name)
	script, rules := k.write("file.sh", k.snippet("file.sh")), k.write("kie-tasks", k.snippet("kie-tasks"))
	for range 2 {
		k.run("sh", script)
		k.knows(k.api.ids()...)
		k.run("logrotate", "--force", "--state", k.dir+"/logrotate.state", rules)
	}
	k.run("sh", script)
	k.knows(k.api.ids()...)
	// What is in rotated files is still listed.
	wait.Until(k.T, 20*time.Second, 100*time.Millisecond, func() error {
		want := k.swapped(`kie_exporter_source_tasks{group="film",source="/var/lib/shop/kie-tasks.jsonl*"} 3`)
		if metrics := k.get("http://localhost:10059/metrics"); !strings.Contains(metrics, want) {
			return errors.New("there is no " + want)
		}
		return nil
	})
	if files, err := os.ReadDir(k.dir + "/var/lib/shop"); err != nil || len(files) != 3 {
		k.Errorf("there are %d files, want one and two rotated ones: %v", len(files), err)
	}
}

// listed has cron's command write a list of what is in a table.
func listed(k *kitchen) {
	k.exporter("accounts.yml", "list.yml")
	k.database()
	k.sql("insert into generations (task_id, model) values ('" + k.api.create("kling") + "', 'kling'), (null, 'kling')")
	k.cron("kie-list.cron", "kie-list")
	k.knows(k.api.ids()...)
	k.sql("insert into generations (task_id, model) values ('" + k.api.create("kling") + "', 'kling')")
	k.run("sh", "-c", k.dir+"/usr/local/bin/kie-list")
	k.knows(k.api.ids()...)
}

// cron installs a script and runs it as a crontab of the system says.
func (k *kitchen) cron(crontab, script string) {
	k.Helper()
	path := k.write("/usr/local/bin/"+script, k.snippet(script))
	if err := os.Chmod(path, 0o700); err != nil {
		k.Fatal(err)
	}
	for line := range strings.Lines(k.snippet(crontab)) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(fields) < 7 || strings.Contains(line, "%") || fields[5] != "shop" {
			k.Fatalf("cron does not understand %q", line)
		}
		k.run("sh", "-c", strings.Join(fields[6:], " "))
	}
}

// served has the exporter fetch the list of a service in Node.
func served(k *kitchen) {
	address := "127.0.0.1:" + port(k.T)
	k.swap("shop.internal:8080", address, "listen(8080)", "listen("+strings.TrimPrefix(address, "127.0.0.1:")+")")
	k.api.sim.Put(kiesim.Task{ID: "task_12345678", Model: "kling"})
	k.start("node", k.write("list.mjs", k.snippet("list.mjs")))
	k.answers(address)
	k.exporter("accounts.yml", "http.yml")
	k.knows("task_12345678")
}
