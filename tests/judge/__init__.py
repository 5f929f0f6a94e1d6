"""An outside judge: Django's own test suite, with every queryset of every model cached.

comparison   whether two results are the same by value, type and behaviour
reads        a read done plain, missed, hit and by a shared plan, and what came of it
queryset     the QuerySet that takes the place of Django's, and has each read judged
committing   TestCase commits, so that entries can be filled, and cleans up behind itself
runner       Django's test runner, which takes down what each test came to
worker       runs some labels of the suite in a process of its own
suite        where the suite is kept, outside of this repository
labels       which of it is run
known        which of its tests cannot pass here, and why
"""
