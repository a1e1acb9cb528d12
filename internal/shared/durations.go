// What was learned of how long an account's tasks take, for the next holder.

package shared

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/kie-exporter/kie_exporter/internal/redis"
)

//go:embed durations.lua
var durationsSource string

var durationsScript = redis.NewScript(durationsSource)

// mostDurations is how many of them are kept of an account: more than groups and models make.
const mostDurations = 10_000

// KeepDurations keeps what was learned by whoever holds a part of an account, by name. Of several parts what was kept last stays.
func (s *Store) KeepDurations(ctx context.Context, p Part, learned map[string][]byte) error {
	mark := s.rights.Mark(p)
	if mark == "" || len(learned) == 0 || len(learned) > mostDurations {
		return nil
	}
	args := make([]any, 0, 1+2*len(learned))
	args = append(args, mark)
	for name, data := range learned {
		args = append(args, name, data)
	}
	reply, err := s.client.Run(ctx, call("durations"), durationsScript, []string{s.fence(p), s.key(p.Account, "durations")}, args...)
	if err != nil {
		return err
	}
	if _, code := result(reply); code != 0 {
		return ErrFenced
	}
	return nil
}

// Durations returns what was kept of an account; none: nothing was.
func (s *Store) Durations(ctx context.Context, account string) (map[string][]byte, error) {
	reply, err := s.client.Do(ctx, call("read"), "hgetall", s.key(account, "durations"))
	if err != nil {
		return nil, err
	}
	pairs, ok := reply.([]any)
	if !ok {
		return nil, fmt.Errorf("redis: the learned durations of account %s are %T", account, reply)
	}
	learned := make(map[string][]byte, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		data, _ := pairs[i+1].(string)
		learned[name] = []byte(data)
	}
	return learned, nil
}
