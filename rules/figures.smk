# Figures of `snakemake all`.


rule plot_tsne:
    input:
        vectors=lambda wc: vectors_of(wc.spreading),
        spread=f"{RESULTS}/spread/{{spreading}}/{{group}}.csv",
    output:
        figure=f"{RESULTS}/figures/tsne/{{spreading}}_{{group}}.png",
    log:
        f"{LOGS}/plot_tsne/{{spreading}}_{{group}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {"group": wc.group, **config["tsne"]},
        seed=config["seed"],
        code=code_of("plot_tsne.py"),
    script:
        "../workflow_scripts/plot_tsne.py"


rule plot_history:
    input:
        histories=stages_of,
    output:
        figure=f"{RESULTS}/figures/history/{{system}}_seed{{seed}}_fold{{fold}}.png",
    log:
        f"{LOGS}/plot_history/{{system}}_seed{{seed}}_fold{{fold}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {"title": f"{wc.system}, seed {wc.seed}, fold {wc.fold}"},
        code=code_of("plot_history.py"),
    script:
        "../workflow_scripts/plot_history.py"


FIGURES = [
    f"{RESULTS}/figures/tsne/{name}_{group}.png" for name in SPREADINGS for group in groups_of(name)
] + [
    f"{RESULTS}/figures/history/{system}_seed{seed}_fold{fold}.png"
    for system in SCORED
    if system in config["systems"]
    for seed in SEEDS
    for fold in folds_of(system)
]
