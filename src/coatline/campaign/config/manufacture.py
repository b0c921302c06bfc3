"""The manufacture block of the configuration: slurry, drying and pressing."""

from typing import Literal

from pydantic import Field, model_validator

from coatline.campaign.config.base import Block, KeyProblem, describe


class Slurry(Block):
    """Packing of the slurry film."""

    pressure: float = describe(
        "pressure of the plane that levels the slurry",
        100.0,
        example=100,
        unit="kPa",
        gt=0,
        le=1e4,
    )


class Drying(Block):
    """Drying of the slurry film."""

    model: Literal["homogeneous", "heterogeneous"] = describe(
        "how the solvent leaves: homogeneous shrinks all beads alike; heterogeneous shrinks upper "
        "beads first and drags beads up with the solvent that flows to the surface",
        "homogeneous",
        example="homogeneous",
    )
    rate_ratio: float | None = describe(
        "model heterogeneous: evaporation at the surface / at the collector, exponential between; "
        "1 is equal rates",
        None,
        example=100,
        unit="-",
        ge=1,
        le=1e4,
    )
    viscosity: float | None = describe(
        "model heterogeneous: viscosity of the liquid that drags beads up, at the speeds of this "
        "drying; 0 drags none",
        None,
        example=50,
        unit="mPa·s",
        ge=0,
        le=100,
    )
    pressure: float = describe(
        "pressure on the film while it dries",
        22.0,
        example=22,
        unit="kPa",
        gt=0,
        le=1e4,
    )
    duration: float = describe(
        "time in which the solvent leaves, before the film is held until it rests",
        72.0,
        example=72,
        unit="µs",
        gt=1,
        le=1e5,
    )

    @model_validator(mode="after")
    def _check_model(self) -> "Drying":
        for key in ("rate_ratio", "viscosity"):
            given = getattr(self, key) is not None
            if given and self.model != "heterogeneous":
                raise KeyProblem(
                    f"belongs to model heterogeneous, this drying is {self.model}; leave it out",
                    key=key,
                )
            if not given and self.model == "heterogeneous":
                raise KeyProblem("is missing; model heterogeneous needs it", key=key)
        return self


class Pressing(Block):
    """Calendering: a plane pressed down at a constant speed."""

    speed: float = describe(
        "speed of the plane",
        0.3,
        example=0.3,
        unit="µm/µs",
        gt=0,
        le=10,
    )
    reference_pressure: float = describe(
        "pressure whose contacts the time step of pressing is computed for",
        20000.0,
        example=20000,
        unit="kPa",
        gt=0,
        le=1e6,
    )
    frame_spacing: float | None = describe(
        "compression between two frames kept along pressing; null keeps none",
        None,
        example=2.5,
        unit="%",
        ge=0.1,
        le=60,
    )


class Manufacture(Block):
    """How the electrodes are made."""

    force_field: str = describe(
        "name of one of the force fields in the material file",
        "default",
        example="default",
        min_length=1,
    )
    slurry: Slurry = Field(default=Slurry(), description="packing of the slurry film")
    drying: Drying = Field(default=Drying(), description="drying of the film")
    pressing: Pressing = Field(default=Pressing(), description="calendering of the dried film")
    safety_factor: float = describe(
        "time step / largest stable time step from contact, bond and damping rates",
        0.7,
        example=0.7,
        unit="-",
        ge=0.01,
        le=1,
    )
    retries: int = describe(
        "how often a step that failed physically is tried again with half the time step",
        2,
        example=2,
        unit="times",
        ge=0,
        le=5,
    )
