"""The admin, asked as a browser asks it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client


def logged_in(*permissions: str, csrf: bool = False) -> Client:
    user = User.objects.create_user(f"user{User.objects.count()}", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user)
    return client


def text(response: Any) -> str:
    """The words of a page, with single spaces."""
    assert isinstance(response, HttpResponse)
    return " ".join(response.content.decode().split())
