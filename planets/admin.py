from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import CharField, Count, F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from .cache.admin import RecordAdmin, TellsWhatWentStale
from .facts import BODY, BY_FIELD, CLIMATE, DISCOVERY, FACTS, GROUPS, ORBIT, ROTATION, TRAITS
from .models import Moon, Planet
from .pages.export import write_csv
from .pages.factsheet import OF_THE_SUN

admin.site.site_header = admin.site.site_title = "Planets"
admin.site.index_title = "The data of the site"

LOOKS = ("colour", "accent", "ring_colour")
FIELDS = {group: tuple(fact.field for fact in FACTS if fact.group == group) for group in GROUPS}


class PlanetForm(forms.ModelForm):
    class Meta:
        model = Planet
        fields = "__all__"
        widgets = {  # noqa: RUF012
            "description": forms.Textarea(attrs={"rows": 3, "maxlength": 500}),
            "colour": forms.TextInput(attrs={"type": "color"}),
            "accent": forms.TextInput(attrs={"type": "color"}),
        }

    def clean_name(self) -> str:
        """Only a new name is checked: an adopted table may already hold a name twice."""
        name: str = self.cleaned_data["name"]
        others = Planet.objects.exclude(pk=self.instance.pk).filter(name__iexact=name)
        if "name" in self.changed_data and others.exists():
            raise forms.ValidationError(f"A planet's name must be its own; {name!r} is taken.")
        return name

    def clean(self) -> dict[str, Any]:
        """One place in the order of a star is one planet's; only a new one is checked, too."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        position = cleaned.get("position")
        if position is not None and {"position", "star"} & {*self.changed_data}:
            star = cleaned.get("star", "")
            stars = OF_THE_SUN if star in OF_THE_SUN else (star,)
            others = Planet.objects.exclude(pk=self.instance.pk)
            taken = others.filter(position=position, star__in=stars).first()
            if taken:
                self.add_error("position", f"Place {position} is taken by {taken.name}.")
        return cleaned


class MoonFormSet(forms.BaseInlineFormSet):
    """Its inputs stand in a table, so each is named for who does not see row and column."""

    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        whose = form.instance.name or "New moon"
        for bound in form.visible_fields():
            bound.field.widget.attrs["aria-label"] = f"{whose}: {bound.label}"


class MoonInline(admin.TabularInline):
    model = Moon
    formset = MoonFormSet
    extra = 0
    show_change_link = True
    # The admin's own text inputs are so wide that a row of them leaves the page.
    formfield_overrides = {CharField: {"widget": forms.TextInput(attrs={"size": 13})}}  # noqa: RUF012


@admin.register(Planet)
class PlanetAdmin(RecordAdmin):
    form = PlanetForm
    list_display = (
        "name",
        "kind",
        "position",
        "mass_text",
        "radius_text",
        "moon_count",
        "has_rings",
        "picture_colours",
    )
    list_filter = ("kind", "has_rings", "has_magnetic_field")
    search_fields = ("name", "description")
    ordering = (F("position").asc(nulls_last=True), "id")
    inlines = (MoonInline,)
    actions = ("mark_with_rings", "mark_without_rings", "export_csv")
    save_on_top = True
    fieldsets = (
        (None, {"fields": ("name", "kind", "position", "description")}),
        (BODY, {"fields": FIELDS[BODY]}),
        (ROTATION, {"fields": FIELDS[ROTATION]}),
        (ORBIT, {"fields": FIELDS[ORBIT]}),
        (CLIMATE, {"fields": FIELDS[CLIMATE]}),
        (
            DISCOVERY,
            {"fields": ("star", "discovery_year", "discovery_method", *FIELDS[DISCOVERY])},
        ),
        ("Yes or no", {"fields": [trait.field for trait in TRAITS]}),
        ("Picture", {"fields": LOOKS, "classes": ["collapse"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Planet]:
        return super().get_queryset(request).annotate(moon_total=Count("moons"))

    def save_model(
        self, request: HttpRequest, obj: Planet, form: forms.ModelForm, change: bool
    ) -> None:
        """What an editor changes is no longer as the catalogue has it."""
        kept = [name for name in obj.sourced.split(",") if name and name not in form.changed_data]
        obj.sourced = ",".join(kept)
        super().save_model(request, obj, form, change)

    @admin.display(description="mass", ordering="mass")
    def mass_text(self, planet: Planet) -> str:
        return BY_FIELD["mass"].text(planet.mass)

    @admin.display(description="radius", ordering="radius")
    def radius_text(self, planet: Planet) -> str:
        return BY_FIELD["radius"].text(planet.radius)

    @admin.display(description="moons", ordering="moon_total")
    def moon_count(self, planet: Any) -> int:
        count: int = planet.moon_total
        return count

    @admin.display(description="colours")
    def picture_colours(self, planet: Planet) -> str:
        return format_html(
            '<svg width="34" height="16" role="img" aria-label="{0} and {1}">'
            '<rect width="17" height="16" fill="{0}"/>'
            '<rect x="17" width="17" height="16" fill="{1}"/></svg>',
            planet.colour,
            planet.accent,
        )

    @admin.action(description="Mark as having rings", permissions=["change"])
    def mark_with_rings(self, request: HttpRequest, planets: QuerySet[Planet]) -> None:
        self._mark_rings(request, planets, has_rings=True)

    @admin.action(description="Mark as having no rings", permissions=["change"])
    def mark_without_rings(self, request: HttpRequest, planets: QuerySet[Planet]) -> None:
        self._mark_rings(request, planets, has_rings=False)

    def _mark_rings(
        self, request: HttpRequest, planets: QuerySet[Planet], *, has_rings: bool
    ) -> None:
        """Saved one by one, so that each planet's signals and history tell of it."""
        changed = [planet for planet in planets if planet.has_rings is not has_rings]
        for planet in changed:
            planet.has_rings = has_rings
            planet.save(update_fields=["has_rings"])
            message = f"Marked as having {'' if has_rings else 'no '}rings."
            self.log_change(request, planet, message)
        self.message_user(request, f"Planets changed: {len(changed)}.", messages.SUCCESS)

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, planets: QuerySet[Planet]) -> HttpResponse:
        response = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="planets.csv"'},
        )
        write_csv(planets, response)
        return response


@admin.register(Moon)
class MoonAdmin(TellsWhatWentStale):
    list_display = ("name", "planet", "radius_text", "period_text", "discovery_year", "discoverer")
    list_filter = ("planet",)
    search_fields = ("name", "discoverer", "planet__name")
    ordering = ("planet__position", "name")
    fieldsets = (
        (None, {"fields": ("planet", "name")}),
        ("Body and orbit", {"fields": ("radius", "orbital_period")}),
        ("Discovery", {"fields": ("discovery_year", "discoverer")}),
    )

    @admin.display(description="mean radius", ordering="radius")
    def radius_text(self, moon: Moon) -> str:
        return moon.radius_text

    @admin.display(description="orbital period", ordering="orbital_period")
    def period_text(self, moon: Moon) -> str:
        return moon.period_text
