package fieldtest

// Method is a method file for the field: soil moisture on the meadow, water temperature in the stream, every day.
const Method = `name = "field"
version = "1"
asset = "MEADOW/2"
cron = "0 0 * * *"
settle = "1h"
challenge = "48h"

[require]
tests = ["gross_range", "spike"]
clock = "synced"
min_coverage = 0.75

[[require.calibration]]
quantity = "volumetric_water_content"
max_age_days = 365

[[require.calibration]]
quantity = "water_temperature"
factory = true

[uncertainty]
allowance = 0.20

[credit]
rate_per_hectare = 1000
buffer = 0.20
split = { steward = 0.80, commons = 0.15, verifier = 0.05 }

[[index]]
kind = "soil_moisture_regime"
quantity = "volumetric_water_content"
ecosystems = ["T4.5"]
weight = 1
uncertainty = 0.02
source = "a soil survey"
levels = { wilting_point = 0.12, field_capacity = 0.32 }

[[index]]
kind = "temperature_band"
quantity = "water_temperature"
ecosystems = ["F1.1"]
weight = 1
uncertainty = 0.5
source = "a fish survey"
levels = { limit_low = 0, optimum_low = 4, optimum_high = 16, limit_high = 24 }
`
