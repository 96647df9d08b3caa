"A module of version 0.1.0, which no longer exists: importing it says where its names went"
raise ImportError(
    'collab_course.recommend is gone: models are in collab_course itself (`from collab_course '
    'import BiasedMF, load`; what was `Recommender.fit(df)` is `BiasedMF().fit(df)`), their base '
    'class in collab_course.recommender, `fold_in` is `new_user_factors` in '
    'collab_course.fold_in, `rate_widget` in collab_course.widgets, `SavedModelError` in '
    'collab_course.store, `AmbiguousTitleError` in collab_course.ratings; all names are on '
    'https://collab-course.github.io/collab_course/from_0_1.html')
