// Memory only, by choice.

package store

import (
	"context"
	"iter"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// Memory keeps nothing beyond what the tracker itself remembers. It is what there is without a path for storage.
type Memory struct{}

// LastRun returns the zero time: no earlier process is known.
func (Memory) LastRun(string) time.Time { return time.Time{} }

// Knee returns that nothing is known.
func (Memory) Knee(string) float64 { return 0 }

// KeepKnees keeps nothing.
func (Memory) KeepKnees(func() map[string]float64) {}

// Put returns false: nobody but the tracker can tell whether the record is the first final one.
func (Memory) Put(string, string, Record, func(first bool)) bool { return false }

// Forget has nothing to let go.
func (Memory) Forget(string, []string) {}

// Renew has nothing that is to be made again.
func (Memory) Renew() {}

// Find returns zero records.
func (Memory) Find(_ string, ids []string) []Record { return make([]Record, len(ids)) }

// FindListed returns zero records.
func (Memory) FindListed(_ string, ids []string) []Record { return make([]Record, len(ids)) }

// AreOver returns true of all: what is not in memory is nowhere, and nothing is to wait for.
func (Memory) AreOver(_ string, ids []string) []bool { return all(len(ids)) }

// All yields nothing.
func (Memory) All() iter.Seq2[string, Record] { return func(func(string, Record) bool) {} }

// Scan finds nothing.
func (Memory) Scan(func(account, id string, r Record) bool) error { return nil }

// Stats returns that nothing is kept, and no errors.
func (Memory) Stats() Stats { return newStats() }

// SavePushes saves nothing, by choice.
func (Memory) SavePushes([]source.Pushed) error { return nil }

// Pushes returns that none were saved.
func (Memory) Pushes(string) ([]source.Task, error) { return nil, nil }

// PushesFile returns that there is no file.
func (Memory) PushesFile() int { return 0 }

// Run waits until ctx ends.
func (Memory) Run(ctx context.Context, _ Tasks) { <-ctx.Done() }

// Close closes nothing.
func (Memory) Close() {}
