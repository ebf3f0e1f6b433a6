package health

import (
	"errors"
	"io/fs"
)

// Config says whether the configuration file can be read and means something: err is what reading it gave.
func Config(path string, err error) Check {
	t := topic{"config.valid", "the gateway does not start on a configuration with a mistake"}
	if err != nil {
		return t.fail("mend what is named there; `loam config check FILE` says whether that was all", "%v", err)
	}
	return t.ok("%s is valid", path)
}

// Key says whether the file with the gateway's key, at an absolute path, is its owner's alone. It never opens it.
func (m Machine) Key(path string) Check {
	t := topic{"identity.key", "whoever has the key can sign as this gateway; without it the gateway is a stranger to its hub"}
	info, err := m.stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return t.unknown("%s is not there; it is made when the gateway first starts", path)
	case err != nil:
		return t.unknown("%s cannot be looked at: run this as the gateway's user", path)
	case !info.Mode().IsRegular():
		return t.fail("put the key back from a backup", "%s is not a file", path)
	case info.Mode().Perm()&0o077 != 0:
		return t.fail("`chmod 600 "+path+"`; where others use this machine, enrol a new key", "%s can be read or written by others (mode %#o)", path, info.Mode().Perm())
	}
	return t.ok("%s is its owner's alone", path)
}
