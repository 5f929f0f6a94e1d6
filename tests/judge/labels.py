"""Which labels of Django's suite are run: those that read by querysets.

Left out are those of the schema and migrations, which change tables while they run, of GIS, of
other databases, and of what knows no queryset (HTTP, templates, forms without models, utilities).
"""

from __future__ import annotations

LABELS = tuple(
    """
    absolute_url_overrides admin_changelist admin_filters admin_inlines admin_ordering admin_utils
    admin_views admin_widgets aggregation aggregation_regress annotations async auth_tests basic
    bulk_create composite_pk constraints contenttypes_tests custom_columns custom_lookups
    custom_managers custom_methods custom_pk datatypes dates datetimes db_functions defer
    defer_regress delete delete_regress distinct_on_fields empty empty_models expressions
    expressions_case expressions_window extra_regress field_defaults field_subclassing
    filtered_relation fixtures fixtures_regress flatpages_tests force_insert_update foreign_object
    from_db_value generic_inline_admin generic_relations generic_relations_regress generic_views
    get_earliest_or_latest get_object_or_404 get_or_create inline_formsets known_related_objects
    lookup m2m_and_m2o m2m_intermediary m2m_multiple m2m_recursive m2m_regress m2m_signals
    m2m_through m2m_through_regress m2o_recursive managers_regress many_to_many many_to_one
    many_to_one_null max_lengths model_enums model_fields model_forms model_formsets
    model_formsets_regress model_inheritance model_inheritance_regress model_options model_package
    model_regress model_utils modeladmin multiple_database mutually_referential
    nested_foreign_keys null_fk null_fk_ordering null_queries one_to_one or_lookups
    order_with_respect_to ordering pagination prefetch_related properties proxy_model_inheritance
    proxy_models queries queryset_pickle raw_query redirects_tests reserved_names reverse_lookup
    save_delete_hooks select_for_update select_related select_related_onetoone
    select_related_regress serializers sessions_tests shortcuts signals sites_tests str
    string_lookup swappable_models syndication_tests timezones transaction_hooks transactions
    unmanaged_models update update_only_fields validation validators xor_lookups
    """.split()
)
# Of those, by fnmatch, what needs a browser.
EXCLUDED_TAGS = ("selenium",)


def chunks(labels: tuple[str, ...], count: int) -> list[list[str]]:
    """The labels in so many parts."""
    return [part for number in range(count) if (part := list(labels[number::count]))]
