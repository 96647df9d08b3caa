"The page that leads from the names of 0.1.0 to those of today leaves none out, and all are there"
import importlib
import inspect
import re

import nbformat
import pytest
from common import COLAB, NBS, settings

LIB = settings()['lib_name']
# Every public name of 0.1.0: what its modules had in `__all__`, with arguments, methods and fields
OLD = {
    'app': '''tour_models() tour_one(dls,name,model,kwargs,wd,published,n_epoch,seed,quiet)
        tour(source,n_epoch,seed,quiet) plot_curves(curves)
        pick_columns(columns,user,item,rating,title,time) as_written(texts)
        read_ratings(source,names) describe_ratings(df) as_text(df) main()''',
    'bayes': '''row_posterior(X,y,mean,precision,noise) by_row(rows,others,y,n_rows)
        draw_rows(rows,others,ratings,prior,noise,z) Prior(hold,extra,scale,shape,rate)
        draw_prior(rows,rng,prior) draw_noise(error,n,rng,prior)
        Draw(users,items,user_prior,item_prior,noise) Draw.scores(x)
        gibbs(x,y,sizes,n_factors,seed,prior)
        BayesianMF(n_factors,n_sweeps,burn_in,seed,n_keep,prior)
        BayesianMF.fit(df,user,item,rating,title,y_range,min_ratings,quiet)
        BayesianMF.predict(users,items) BayesianMF.predict_sd(users,items,noise)
        BayesianMF.predict_interval(users,items,level,noise) BayesianMF.recommend_sure(user,n,level)
        BayesianMF.predict_new(ratings,items,level,noise) split_rhat(draws)''',
    'bias': '''DotProductBias(n_users,n_items,n_factors,y_range) DotProductBias.score(x)''',
    'collab_nn': '''CollabNN(n_users,n_items,n_factors,y_range,n_act) CollabNN.inputs(x) CollabNN.score(x)''',
    'compare': '''their_rows(classes,ids) copy_weights(ours,theirs,users,items,back) published_runs()''',
    'crosstab': '''crosstab15() gradients(ratings,users,items) fit_crosstab(table,n_factors,n_steps,lr,seed)
        Widget(kind,data,still) crosstab_widget(table,n_factors,n_steps,lr,seed)''',
    'data': '''tiny_ratings() RatingsError() as_ids(values,name) as_ratings(values,name,y_range)
        check_ratings(df,user,item,rating,title,y_range) DataError() verify_data(folder,name)
        get_data(name,source) load_movies(source) load_ratings(source)
        split_random(df,valid_pct,seed,user,item,title) split_folds(df)
        split_time(df,valid_pct,user,item,title,timestamp)''',
    'dot_product': '''DotProduct(n_users,n_items,n_factors,y_range) DotProduct.score(x) DotProduct.forward(x)
        one_cycle(params,n_steps,lr,wd) fit_loop(model,dls,n_epoch,lr,wd,desc,quiet,on_epoch)
        mse_of(model,dl) fit_together(models,loaders,n_epoch,lr,wd,desc,quiet)''',
    'embedding': '''one_hot_lookup(params,idx)''',
    'evaluate': '''rmse(preds,targs) mae(preds,targs) means(movies,users,damping) rating_range(ratings)
        on_our_scale(ratings,y_range) own_chance(seed)
        fit_all_rows(df,columns,title,n_factors,y_range,bs,seed,recipe)
        biased_mf(n_factors,n_epoch,lr,wd,bs,y_range) predict_all(predict,train,valid)
        ndcg(gains,possible,k) recall(hits,n_relevant,k) popularity(train,seed)
        evaluate(fit,df,split,user,item,rating,k,good,seed)
        leaderboard(methods,df,protocols,seeds,k,good) choose(methods,valid_pct,n_splits)
        ensemble(fit,n)''',
    'fast': '''flat_weights(model) set_weights(model,W) hand_gradient(W,x,y,y_range,biased,out) cycle(n_steps,lr)
        fit_by_hand(model,dls,n_epoch,lr,wd)
        fit_fast(model,dls,n_epoch,lr,wd,seed,desc,quiet,on_epoch,catch_up) bench_results(part)''',
    'interpret': '''check_n(n,what) extremes(bias,vocab,n,counts,min_count) pca(factors,n)
        map_widget(coords,titles,scales,groups) similarities(factors,row) distances(factors,row)
        nearest(factors,vocab,item,n,by,counts,min_count)''',
    'loaders': '''rows_seen(dl) UnknownIdError() Vocab(values) TensorDL(x,y,bs,shuffle,seed,names) TensorDL.get_idxs()
        TensorDL.to(device) TensorDL.new(dataset,cls,kwargs) TensorDL.one_batch()
        TensorDL.show_batch(max_n) check_split(split,n)
        collab_loaders(df,user,item,rating,split,bs,seed,title,val_bs,device) one_thread()
        count_steps(n_epoch,dl) losses_by_epoch(losses,lr) progress_bar(total,desc,quiet,kwargs)
        fit_losses(learn,n_epoch,lr,wd,desc,quiet)''',
    'params': '''create_params(size,std) DotProductBiasParams(n_users,n_items,n_factors,y_range,std)
        DotProductBiasParams.score(x)''',
    'recommend': '''Recommender(model,users,items,titles,pairs,limits,min_ratings,ridge) Recommender.find(text)
        Recommender.predict(users,items) Recommender.recommend(user,n)
        Recommender.fit(df,user,item,rating,title,n_factors,n_epoch,lr,wd,seed,y_range,min_ratings,quiet)
        Recommender.similar(item,n) Recommender.recommend_new(ratings,n)
        Recommender.recommend_all(n) Recommender.save(folder) Recommender.load(folder)
        AmbiguousTitleError() fold_in(items,ratings,start,y_range,ridge,n_steps)
        rate_widget(rec,ratings,n) SavedModelError() Recommender.model() Recommender.user_rows()
        Recommender.item_rows() Recommender.users() Recommender.items() Recommender.titles()
        Recommender.counts() Recommender.pairs() Recommender.limits() Recommender.film()
        Recommender.few() Recommender.starts() Recommender.rows_by_title() Recommender.min_ratings()
        Recommender.ridge()''',
    'weight_decay': '''l2_penalty(params,wd) curves_widget(curves,name,at)''',
}
CALL = re.compile(r'([\w.]+)\(([\w,]*)\)')
NAMES = {module: dict(CALL.findall(text)) for module, text in OLD.items()}
# What 0.1.0 had in its tables
COLUMNS = ['few', 'method']
PAGES = """00_data 01_crosstab 02_embedding 03_loaders 04_dot_product 05_bias 06_weight_decay
07_create_params 08_interpret 09_collab_learner 10_collab_nn 11_speed 12_evaluate 13_recommend
14_bayes 15_app 16_library""".split()


def cells():
    "The page's text, by its headings"
    nb = nbformat.read(NBS/'96_from_0_1.ipynb', as_version=4)
    text = '\n'.join(cell.source for cell in nb.cells if cell.cell_type == 'markdown')
    parts = re.split(r'(?m)^#{2,3} (.+)$', text)
    return dict(zip(parts[1::2], parts[2::2]))


def rows(heading):
    "The rows of the table under a heading, cell by cell"
    lines = re.findall(r'(?m)^\|(.+)\|$', cells()[heading])[2:]
    return [[cell.strip() for cell in re.split(r'(?<!\\)\|', line)] for line in lines]


def bare(cell): return cell.strip('`')


MOVED = {module: {bare(row[0]): row for row in rows(module)} for module in OLD}
METHODS = {bare(row[0]): row for row in rows('Methods and attributes')}
ARGUMENTS = {bare(row[0]): row for row in rows('Arguments')}


def found(dotted):
    "What a module or the package has under a name"
    module, _, name = dotted.rpartition('.')
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize('module', OLD)
def test_every_name_is_there(module):
    "A row for each, and what the row says can be imported"
    assert list(MOVED[module]) == [name for name in NAMES[module] if '.' not in name]
    for name, new, home, note in MOVED[module].values():
        if new == 'gone': assert note, name
        else: assert found(f'{bare(home)}.{bare(new)}'), name


def test_every_method_is_there():
    "... or its row says what to write"
    old = [name for names in NAMES.values() for name in names if '.' in name]
    assert set(old) <= set(METHODS)
    for name, new, note in METHODS.values():
        if new == 'gone': assert note, name
        else: assert member(bare(new)), new


def member(dotted):
    "A class's method, field or attribute, as `Class.name`"
    owner, _, name = dotted.partition('.')
    home = next(bare(row[2]) for table in MOVED.values() for row in table.values()
                if bare(row[1]) == owner) if owner not in ('Recommender', 'Ratings') else LIB
    cls = found(f'{home}.{owner}')
    annotated = name in vars(cls).get('__annotations__', {})
    assigned = re.search(rf'self\.(?:\w+,(?:self\.)?)*{name}\b[^=]*=', inspect.getsource(cls))
    return hasattr(cls, name) or annotated or bool(assigned)


def parameters(thing):
    "Names of arguments"
    try: return set(inspect.signature(thing).parameters)
    except (TypeError, ValueError): return set()


@pytest.mark.parametrize('module', OLD)
def test_every_argument_is_there(module):
    "An argument has its old name still, or a row of its own"
    for name, arguments in NAMES[module].items():
        row = (METHODS if '.' in name else MOVED[module])[name]
        if row[1] == 'gone': continue
        if '.' in name:
            owner, _, method = bare(row[1]).partition('.')
            home = next((bare(one[2]) for one in MOVED[module].values() if bare(one[1]) == owner), LIB)
            now = getattr(found(f'{home}.{owner}'), method, None)
        else: now = found(f'{bare(row[2])}.{bare(row[1])}')
        if inspect.isclass(now) and issubclass(now, Exception): continue
        lost = set(filter(None, arguments.split(','))) - parameters(now)
        assert lost <= {key.partition('(')[2].rstrip(')') for key in ARGUMENTS if key.partition('(')[0] == name}, name


def test_arguments_that_moved_are_where_the_page_says():
    "Each row names a callable of today and an argument that it has"
    for old, new, note in ARGUMENTS.values():
        if new == 'gone': assert note, old
        for dotted, argument in re.findall(r'`([\w.]+)\((\w+)\)`', new):
            owner, _, method = dotted.partition('.')
            home = next((bare(row[2]) for table in MOVED.values() for row in table.values()
                         if bare(row[1]) == owner), LIB)
            thing = found(f'{home}.{owner}')
            assert argument in parameters(getattr(thing, method) if method else thing), (old, new)


def test_every_page_is_there():
    "Each notebook of 0.1.0, with the new one and its address in Colab"
    table = {bare(row[0]): row for row in rows('Pages and notebooks')}
    assert list(table) == PAGES
    for _, page, colab, more in table.values():
        for name in re.findall(r'\((\w+\.ipynb)\)', page + more): assert (NBS/name).is_file(), name
        [address] = re.findall(r'\((https://[^)]+)\)', colab)
        assert address.startswith(COLAB) and f'({address.rpartition("/")[2]})' in page


def test_every_column_is_there():
    "Those whose name has changed"
    table = {bare(row[1]): bare(row[2]) for row in rows('Columns')}
    assert set(COLUMNS) <= set(table) and all(table.values())


# The options of each command of 0.1.0, beside `--help`
OPTIONS = {
    'data': 'user item rating title json csv',
    'train': 'user item rating title out min-ratings factors epochs lr wd seed quiet',
    'evaluate': 'user item rating title time protocol share good factors epochs lr wd seed quiet json csv',
    'recommend': 'user like ids json csv', 'similar': 'ids json csv',
    'tour': 'seed epochs data out quiet',
}


@pytest.mark.parametrize('command', OPTIONS)
def test_every_option_is_there(command, python):
    "Still, or in a row that leads to one that is"
    def options(name): return set(re.findall(r'--([a-z-]+)', python('-m', LIB, name, '--help')))
    moved = {bare(row[0]): bare(row[1]) for row in rows('Command line')}
    lost = {f'{command} --{name}' for name in {*OPTIONS[command].split()} - options(command)}
    assert lost <= set(moved)
    for name in lost:
        new, _, option = moved[name].partition(' --')
        assert option in options(new)
