package sim

func climateSpecimens() []specimen { return nil }
