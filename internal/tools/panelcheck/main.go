// Command panelcheck asks a live Prometheus for every query of every panel and variable of the dashboards in a folder,
// until each of them has returned data or time is up. So a panel that never shows anything is found.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

func main() {
	jobs := flag.String("jobs", "", "scrape jobs, with commas: every query must return data of each; none: of all together")
	timeout := flag.Duration("timeout", 90*time.Second, "when to give up")
	without := flag.String("without", "", "a regular expression of queries that are not asked")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: panelcheck [flags] PROMETHEUS FOLDER")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	err := run(ctx, flag.Arg(0), flag.Arg(1), strings.Split(*jobs, ","), *without, os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "panelcheck:", err)
		os.Exit(1)
	}
}

// A question is a query whose answer must not be empty.
type question struct {
	where string // dashboard, panel, query
	expr  string
}

// run asks every question until it was answered once, or ctx ends; then it writes those left to out.
func run(ctx context.Context, prometheus, folder string, jobs []string, without string, out io.Writer) error {
	dashboards, err := panels.Read(folder)
	if err != nil {
		return err
	}
	leftOut, err := regexp.Compile(without)
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(questions(dashboards, jobs), func(q question) bool { return without != "" && leftOut.MatchString(q.expr) })
	all, start := len(open), time.Now()
	for {
		open, err = unanswered(ctx, prometheus, open)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if len(open) == 0 {
			fmt.Fprintf(out, "panelcheck: %d queries returned data within %s\n", all, time.Since(start).Round(time.Second))
			return nil
		}
		select {
		case <-ctx.Done():
			for _, q := range open {
				fmt.Fprintf(out, "%s: no data for %s\n", q.where, q.expr)
			}
			return fmt.Errorf("%d of %d queries returned no data", len(open), all)
		case <-time.After(time.Second):
		}
	}
}

func questions(dashboards []panels.Dashboard, jobs []string) []question {
	var all []question
	for _, job := range jobs {
		for _, d := range dashboards {
			for _, v := range d.Templating.List {
				if values, ok := v.Values(); ok {
					all = append(all, question{fmt.Sprintf("%s, variable %s", d.UID, v.Name), values.PromQL(job)})
				}
			}
			for _, p := range d.All() {
				for _, q := range p.Targets {
					all = append(all, question{fmt.Sprintf("%s, %q, query %s", d.UID, p.Title, q.RefID), q.PromQL(job)})
				}
			}
		}
	}
	return all
}

// unanswered returns the questions that have no answer yet. An error is that of a question that could not be asked.
func unanswered(ctx context.Context, prometheus string, open []question) ([]question, error) {
	var left []question
	for i, q := range open {
		found, err := ask(ctx, prometheus, q.expr)
		if err != nil {
			return slices.Concat(left, open[i:]), fmt.Errorf("%s: %s: %w", q.where, q.expr, err)
		}
		if !found {
			left = append(left, q)
		}
	}
	return left, nil
}

// ask returns whether an instant query returns any sample that is a number, or a histogram.
func ask(ctx context.Context, prometheus, expr string) (bool, error) {
	address := prometheus + "/api/v1/query?" + url.Values{"query": {expr}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusServiceUnavailable { // not ready
		return false, nil
	}
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []struct {
				Value     []any `json:"value"`
				Histogram []any `json:"histogram"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return false, err
	}
	if answer.Error != "" {
		return false, errors.New(answer.Error)
	}
	for _, sample := range answer.Data.Result {
		if sample.Histogram != nil || isNumber(sample.Value) {
			return true, nil
		}
	}
	return false, nil
}

// isNumber says whether a sample, a pair of its time and its value as text, is a number.
func isNumber(sample []any) bool {
	if len(sample) != 2 {
		return false
	}
	text, ok := sample[1].(string)
	if !ok {
		return false
	}
	value, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsNaN(value)
}
