package influxstore

import (
	"errors"
	"strings"
	"testing"
)

// Two tables, as an InfluxDB 1.8 answers; the second has its field in the default annotation.
const twoTables = "#datatype,string,long,dateTime:RFC3339,double,string\r\n#group,false,false,false,false,true\r\n#default,_result,,,,\r\n" +
	",result,table,_time,_value,_field\r\n,,0,2026-06-01T12:00:00Z,12.5,value\r\n,,0,2026-06-01T12:00:00.25Z,,value\r\n\r\n" +
	"#datatype,string,long,dateTime:RFC3339,long,string\r\n#group,false,false,false,false,true\r\n#default,_result,,,,flag\r\n" +
	",result,table,_time,_value,_field\r\n,,1,2026-06-01T12:00:00Z,1,\r\n\r\n"

func read(t *testing.T, text string) ([]record, error) {
	t.Helper()
	var all []record
	err := eachRecord(strings.NewReader(text), func(r record) error { all = append(all, r); return nil })
	return all, err
}

func TestAnnotatedTablesAreRead(t *testing.T) {
	all, err := read(t, twoTables)
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	if all[0].value != 12.5 || all[0].field != "value" || all[1].value != nil || all[1].time.Nanosecond() != 250_000_000 {
		t.Errorf("the first table: %+v", all[:2])
	}
	if all[2].value != int64(1) || all[2].field != "flag" || all[2].text["result"] != "_result" {
		t.Errorf("the second table: %+v", all[2])
	}
	if all, err := read(t, ""); err != nil || len(all) != 0 {
		t.Errorf("nothing: %v, %v", all, err)
	}
}

func TestAResultThatIsNoneIsAnError(t *testing.T) {
	said := "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,\"bucket \"\"x\"\" not found\",897\r\n"
	if _, err := read(t, said); !errors.Is(err, errAnswer) || !strings.Contains(err.Error(), `bucket "x" not found`) {
		t.Errorf("what the server said: %v", err)
	}
	for name, text := range map[string]string{
		"no annotation":  ",result,table,_value\r\n,,0,1\r\n",
		"short row":      strings.Replace(twoTables, ",12.5,value", ",12.5", 1),
		"no time":        strings.Replace(twoTables, "2026-06-01T12:00:00Z", "noon", 1),
		"no number":      strings.Replace(twoTables, "12.5", "warm", 1),
		"an open quote":  strings.Replace(twoTables, "12.5", "\"12.5", 1),
		"no whole count": strings.Replace(twoTables, "Z,1,", "Z,1.5,", 1),
	} {
		if all, err := read(t, text); err == nil {
			t.Errorf("%s: %+v", name, all)
		}
	}
	stop := errors.New("stop")
	if err := eachRecord(strings.NewReader(twoTables), func(record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("who takes the rows may stop: %v", err)
	}
}

func FuzzEachRecord(f *testing.F) {
	f.Add(twoTables)
	f.Add("#datatype,string\n,a\n,b\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows := 0
		if err := eachRecord(strings.NewReader(text), func(record) error { rows++; return nil }); err == nil && rows > strings.Count(text, "\n")+1 {
			t.Errorf("%d rows in %q", rows, text)
		}
	})
}
