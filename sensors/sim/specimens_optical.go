package sim

func opticalSpecimens() []specimen { return nil }
