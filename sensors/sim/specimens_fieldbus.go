package sim

func fieldbusSpecimens() []specimen { return nil }
