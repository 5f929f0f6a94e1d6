from django.urls import path

from . import views

app_name = "explanation"
urlpatterns = [path("explain/", views.page, name="page")]
