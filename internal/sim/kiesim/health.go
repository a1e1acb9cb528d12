// How models fare with all users of the API.

package kiesim

import (
	"slices"
	"strings"
	"time"
)

const (
	healthSpan   = 10 * time.Minute
	healthPoints = 24 * time.Hour / healthSpan
	healthEvery  = time.Second // of all such requests of a key
	healthLooks  = 20          // at the incidents of ten minutes
)

// healthPoint is ten minutes. Without tasks the rates are null.
type healthPoint struct {
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	SuccessRate *float64  `json:"successRate"`
	ErrorRate   *float64  `json:"errorRate"`
	IsNormal    bool      `json:"isNormal"`
}

// modelAt returns the model whose health is asked for at a path.
func modelAt(path string) (model string, ok bool) {
	rest, below := strings.CutPrefix(path, "/api/v1/models/")
	model, ok = strings.CutSuffix(rest, "/success-rate")
	return model, below && ok && model != ""
}

// health answers how a model fares: it has failed as its incidents say, and there were no tasks before the start.
func (s *Server) health(n arrival) reply {
	if !s.admitHealth(n.At) {
		return refuse(codeRateLimited, "Your call frequency is too high. Please try again later.")
	}
	at := slices.IndexFunc(s.o.Models, func(m Model) bool { return m.Name == n.ID })
	if at < 0 {
		return refuse(codeNotFound, "The model name you specified is not supported. Please verify your input and use one of the supported models provided by KIE.")
	}
	var points []healthPoint
	last := time.Now().Add(s.o.ClockOffset).Truncate(healthSpan).UTC()
	for end := last.Add(-(healthPoints - 1) * healthSpan); !end.After(last); end = end.Add(healthSpan) {
		p := healthPoint{Start: end.Add(-healthSpan), End: end, IsNormal: true}
		if end.Equal(last) || !p.Start.Before(s.start) {
			failing := 100 * s.meanFailureRatio(s.o.Models[at], p.Start)
			succeeding := 100 - failing
			p.SuccessRate, p.ErrorRate, p.IsNormal = &succeeding, &failing, failing < 10
		}
		points = append(points, p)
	}
	return accept(map[string]any{"model": n.ID, "points": points})
}

// meanFailureRatio returns how many of a model's tasks fail in the ten minutes from a time.
func (s *Server) meanFailureRatio(m Model, from time.Time) (mean float64) {
	for i := range healthLooks {
		mean += s.failureRatio(m, from.Add(healthSpan*time.Duration(i)/healthLooks)) / healthLooks
	}
	return mean
}

// admitHealth reports whether the limit of such requests lets one pass.
func (s *Server) admitHealth(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Sub(s.healthAt) < healthEvery {
		return false
	}
	s.healthAt = at
	return true
}
