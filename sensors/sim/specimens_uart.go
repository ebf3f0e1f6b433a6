package sim

func uartSpecimens() []specimen { return nil }
