package sim

func sdi12Specimens() []specimen { return nil }
