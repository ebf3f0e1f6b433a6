package sampler

import (
	"time"

	"loam/sensors"
)

// Saver is how a gateway on a battery spares it: below a voltage all probes are asked at a slower rhythm, until the battery
// has recovered. What was measured is kept and sent as always; what is not measured uses no power.
type Saver struct {
	Channel sensors.Channel // that measures the battery
	Below   sensors.Decimal // when saving begins
	Above   sensors.Decimal // when it ends; higher than Below, or it would flutter
	Every   time.Duration   // how often probes are asked meanwhile; a multiple of the interval
}

// Spare has the sampler save a battery. It is called before Run.
func (s *Sampler) Spare(v Saver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saver = &v
}

// Saving says whether the battery is being spared now.
func (s *Sampler) Saving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saving
}

// weigh begins or ends saving by what the battery's channel said last. It is called under the lock.
func (s *Sampler) weigh() {
	if s.saver == nil {
		return
	}
	r, known := s.latest[s.saver.Channel]
	switch {
	case !known:
	case !s.saving && r.Value.Cmp(s.saver.Below) < 0:
		s.saving = true
		s.log.Warn("the battery is low: probes are asked less often until it has recovered", "channel", r.Channel, "value", r.Value, "every", s.saver.Every)
	case s.saving && r.Value.Cmp(s.saver.Above) > 0:
		s.saving = false
		s.log.Info("the battery has recovered: probes are asked as usual", "channel", r.Channel, "value", r.Value)
	}
	s.meter.saving.Set(0)
	if s.saving {
		s.meter.saving.Set(1)
	}
}

// spared says whether a tick is left out to save the battery. It is called under the lock.
func (s *Sampler) spared(tick time.Time) bool {
	return s.saving && !tick.Truncate(s.saver.Every).Equal(tick)
}
