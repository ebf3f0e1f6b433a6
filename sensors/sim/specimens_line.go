package sim

func lineSpecimens() []specimen { return nil }
