package ms58

// Variant is how a model computes: the powers of two in its formulas, and its terms of second order.
type Variant struct {
	Offset, OffsetTemp uint // OFF = C2·2^Offset + C4·dT/2^OffsetTemp
	Sens, SensTemp     uint // SENS = C1·2^Sens + C3·dT/2^SensTemp
	Pressure           uint // P = (D1·SENS/2^21 − OFF)/2^Pressure
	// Second returns what is taken off temperature (in 0.01 °C), offset and sensitivity; celsius is the temperature of first
	// order in 0.01 °C.
	Second func(dT, celsius int64) (t, off, sens int64)
}

// First is the result of first order, with its intermediate values as data sheets print them.
type First struct {
	DT, Temperature int64 // Temperature in 0.01 °C
	Off, Sens       int64
}

// First computes the first order.
func (v Variant) First(p PROM, d2 uint32) First {
	c := func(i int) int64 { return int64(p[i]) }
	dT := int64(d2) - c(5)<<8
	return First{
		DT:          dT,
		Temperature: 2000 + dT*c(6)>>23,
		Off:         c(2)<<v.Offset + c(4)*dT>>v.OffsetTemp,
		Sens:        c(1)<<v.Sens + c(3)*dT>>v.SensTemp,
	}
}

// pressure is the result of the last formula, in the model's steps.
func (v Variant) pressure(d1 uint32, off, sens int64) int64 {
	return (int64(d1)*sens>>21 - off) >> v.Pressure
}

// Compensate returns temperature in 0.01 °C and pressure in the model's steps, with the terms of second order.
func (v Variant) Compensate(p PROM, d1, d2 uint32) (celsius, pressure int64) {
	f := v.First(p, d2)
	t, off, sens := v.Second(f.DT, f.Temperature)
	return f.Temperature - t, v.pressure(d1, f.Off-off, f.Sens-sens)
}

// PressureOfFirstOrder is the pressure without the terms of second order, as data sheets' examples have it.
func (v Variant) PressureOfFirstOrder(p PROM, d1, d2 uint32) int64 {
	f := v.First(p, d2)
	return v.pressure(d1, f.Off, f.Sens)
}
