package derived_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"loam/sensors/derived"
)

func TestParse(t *testing.T) {
	in, err := derived.Parse([]string{"t_c=-2.5e0", "rh=60", "days=[[90, 65],[72.5,46]]"})
	if err != nil || in.Numbers["t_c"] != -2.5 || in.Numbers["rh"] != 60 || !slices.Equal(in.Days, []derived.Day{{Max: 90, Min: 65}, {Max: 72.5, Min: 46}}) {
		t.Fatalf("%+v, %v", in, err)
	}
	for _, c := range []struct {
		argument, says string
		is             error
	}{
		{"t_c", "name=number", derived.ErrInputs},
		{"=3", "name=number", derived.ErrInputs},
		{"", "name=number", derived.ErrInputs},
		{"t_c=", `t_c="" is no number`, derived.ErrInputs},
		{"t_c=21,5", "write it with a point, in Cel", derived.ErrInputs},
		{"t_c=null", "is no number", derived.ErrInputs},
		{"t_c=1e999", "is no number", derived.ErrInputs},
		{"t_C=21", "did you mean t_c", derived.ErrUnknown},
		{"days=3", "list", derived.ErrInputs},
		{"days=[]", "0 days", derived.ErrInputs},
		{"days=null", "0 days", derived.ErrInputs},
		{"days=[[90]]", "day 1", derived.ErrInputs},
		{"days=[[90,65],[90,null]]", "day 2", derived.ErrInputs},
		{"days=[[90,65],[90,65,1]]", "day 2", derived.ErrInputs},
		{"days=[" + strings.Repeat("[1,1],", 3660) + "[1,1]]", "3661 days", derived.ErrInputs},
		{"days=" + strings.Repeat(" ", 1<<16), "bytes long", derived.ErrInputs},
	} {
		if _, err := derived.Parse([]string{c.argument}); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 400 {
			t.Errorf("%.40s: %v; want %q", c.argument, err, c.says)
		}
	}
	for _, twice := range [][]string{{"t_c=1", "t_c=1"}, {"days=[[1,1]]", "days=[[1,1]]"}, slices.Repeat([]string{"t_c=1"}, 65)} {
		if _, err := derived.Parse(twice); !errors.Is(err, derived.ErrInputs) {
			t.Errorf("%v: %v", twice[:2], err)
		}
	}
}

// Whatever is typed, a result is a finite number, and an error is one of the three, on one short line.
func FuzzDerive(f *testing.F) {
	for _, seed := range []string{"dewpoint_C t_c=20 rh=50", "vpd_kPa t_c=NaN rh=1", "gdd_F_86_50_sum days=[[90,65],[72,46]]", "dewpoint_C t_c=0x1p-3 rh=1_0",
		"et0_mm_day tmax=1 tmin=1 tdew=1 u2=0 krs=0 elevation_m=0 lat_deg=90 J=1", "wind_chill_F t_F=-40 wind_mph=+Inf", "vwc_topp Ka=", "soil_salinity_class_ECe ECe_dS_m=16",
		"sunset_hour_angle_rad lat_deg=90 declination_rad=0", "net_longwave_MJ tmax=0 tmin=0 ea=0 rs=0 rso=1e-320"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		name, rest, _ := strings.Cut(line, " ")
		q, err := derived.Find(name)
		var x float64
		if err == nil {
			var in derived.Inputs
			if in, err = derived.Parse(strings.Split(rest, " ")); err == nil {
				x, err = q.Compute(in)
			}
		}
		switch {
		case err == nil && (math.IsNaN(x) || math.IsInf(x, 0) || q.Format(x) == ""):
			t.Fatalf("%q: %v", line, x)
		case err != nil && !errors.Is(err, derived.ErrUnknown) && !errors.Is(err, derived.ErrInputs) && !errors.Is(err, derived.ErrDomain):
			t.Fatalf("%q: %v is none of the package's errors", line, err)
		case err != nil && (len(err.Error()) > 800 || strings.Contains(err.Error(), "\n")):
			t.Fatalf("%q: %v", line, err)
		}
	})
}
