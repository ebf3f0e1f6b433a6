// Package derived computes what follows from readings by a published formula: vapour pressure and evapotranspiration,
// comfort temperatures, pressures at other heights, oxygen saturation, conductivity at 25 °C, soil moisture from
// permittivity, growing degree days. It reads nothing and keeps nothing.
//
// # Sources
//
//   - FAO-56: Allen, Pereira, Raes, Smith 1998, Crop evapotranspiration, FAO Irrigation and Drainage Paper 56
//     (https://www.fao.org/4/x0490e/x0490e00.htm): everything from air pressure to reference evapotranspiration.
//   - McMahon et al. 2013, Hydrol. Earth Syst. Sci. 17, 1331, supplement S19: Priestley-Taylor.
//   - Alduchov and Eskridge 1996, J. Appl. Meteor. 35, 601: dew point. Bolton 1980, Mon. Wea. Rev. 108, 1046: absolute
//     humidity.
//   - US National Weather Service, heat index (Rothfusz 1990, SR 90-23, with its two adjustments) and wind chill (2001).
//   - US Standard Atmosphere and Smithsonian Meteorological Tables 1951, with MetPy's constants: heights and pressures.
//   - Benson and Krause 1984, Limnol. Oceanogr. 29, 620, with the pressure term of USGS Office of Water Quality
//     Technical Memorandum 2011.03: oxygen saturation of fresh and salt water.
//   - Topp, Davis, Annan 1980, Water Resour. Res. 16, 574: soil moisture from permittivity.
//   - CanSIS: salinity classes, of the saturation paste. What a probe measures in the soil is another conductivity.
//
// # Domain
//
// Every input has limits: those of the formula where its source states them, else what nature on Earth allows, so that
// kelvin for Celsius or hPa for kPa is noticed. Outside them there is [ErrDomain] and no value. An input is never
// guessed: a quantity takes exactly one of its sets. Where the sun does not set, the day has 24 hours and radiation is
// summed over all of them; only the angle of sunset does not exist then.
//
// The results are what the formulas say, also where that is a little below zero: reference evapotranspiration of a cold
// day with more heat going out than coming in is not made zero, and solar radiation guessed from temperatures is held to
// that of a clear sky only where rso_cap is given. Of an hour, solar radiation above zero says that it is day.
//
// # Not covered
//
// Vapour pressure over ice; clear-sky radiation corrected for turbidity; soil heat flux of periods other than an hour or
// a month; wind chill in calm air and heat index in the sun; wet-bulb temperature; conductivity by other than a line;
// permittivity of organic or clay soils; degree days in Celsius.
//
// # The same bits everywhere
//
// amd64, arm64 and 32-bit arm give the same bits. Two things would spoil that:
//
//   - The compiler may fuse x*y + z, and does on arm64. Here every product is rounded by a conversion before it can meet a
//     sum; a test reads the source for it.
//   - Package math does not promise it. In Go 1.26, Exp is assembly on amd64 (with other steps where the processor has
//     FMA) and on arm64, Log is assembly on amd64, and everything else, though written in Go, is fused on arm64. Of 20,000
//     random arguments, Exp differed in the last bit in 16 % between amd64 and arm64 and in 9 % between two amd64
//     processors, Pow in 11 and 7 %, Acos in 8 % and Log, Sin and Cos in 1 % between amd64 and arm64. So elementary.go
//     has its own, from sums and products of pairs of floats, accurate to about 30 digits before they are rounded once.
//     Of package math only what is exact is used: Sqrt, Floor, FMA, Frexp, Ldexp (and Acos as a first guess).
package derived
