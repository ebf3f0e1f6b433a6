package spool

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// firstSynced returns the earliest look at a synchronised clock of each boot among the readings.
func firstSynced(readings []sensors.Reading) []clock.Instant {
	var first []clock.Instant
next:
	for _, r := range readings {
		if r.At.State != clock.Synced {
			continue
		}
		for i, f := range first {
			if f.Boot == r.At.Boot {
				if r.At.Uptime < f.Uptime {
					first[i] = r.At
				}
				continue next
			}
		}
		first = append(first, r.At)
	}
	return first
}

// learn notes a look at a synchronised clock where readings of its boot wait to be dated and no earlier look is late
// enough to date them. It costs a look into an index where none do.
func learn(ctx context.Context, tx *sql.Tx, at clock.Instant) error {
	if at.State != clock.Synced || at.Boot == (clock.BootID{}) {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO synced (boot, uptime, wall) SELECT ?1, ?2, ?3 WHERE EXISTS (
		SELECT 1 FROM unsealed WHERE boot = ?1 AND clock IN (?4, ?5) AND uptime <= ?2
			AND uptime > coalesce((SELECT max(uptime) FROM synced WHERE boot = ?1), -1))
		ON CONFLICT DO NOTHING`, at.Boot[:], int64(at.Uptime), at.Wall.UnixMilli(), clock.Unknown, clock.Unsynced)
	if err != nil {
		return fmt.Errorf("note the synchronised clock: %w", err)
	}
	return nil
}

// looks are what is known of a boot's synchronised clock, by uptime.
type looks []clock.Instant

func looksOf(ctx context.Context, tx *sql.Tx, boot clock.BootID) (looks, error) {
	rows, err := tx.QueryContext(ctx, "SELECT uptime, wall FROM synced WHERE boot = ? ORDER BY uptime", boot[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var known looks
	for rows.Next() {
		var uptime, wall int64
		if err := rows.Scan(&uptime, &wall); err != nil {
			return nil, err
		}
		known = append(known, clock.Instant{Wall: time.UnixMilli(wall).UTC(), Uptime: time.Duration(uptime), Boot: boot, State: clock.Synced})
	}
	return known, rows.Err()
}

// date dates an instant by the first look after it; where there is none it stays as it is.
func (l looks) date(at clock.Instant) clock.Instant {
	for _, look := range l {
		if look.Uptime >= at.Uptime {
			at, _ = look.Redate(at)
			break
		}
	}
	return at
}

// upTo returns the uptime up to which readings of the boot can be dated, or never will be; −1: none.
func (l looks) upTo() time.Duration {
	if len(l) == 0 {
		return -1
	}
	return l[len(l)-1].Uptime
}

// forget drops the looks of a boot that has no readings left to date.
func forget(ctx context.Context, tx *sql.Tx, boot clock.BootID) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM synced WHERE boot = ?1
		AND NOT EXISTS (SELECT 1 FROM unsealed WHERE boot = ?1 AND clock IN (?2, ?3))`, boot[:], clock.Unknown, clock.Unsynced)
	return err
}
