app_name = "planets"
urlpatterns: list = []
