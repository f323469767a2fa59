"""What the models of events promise to a person, in plain words, ja and en; on the policy's page and in a release's guarantee."""

from policies.model.events import CodeModel, LkcPrivacy, Trajectory, power_of
from policies.model.method import Microdata

Bilingual = tuple[str, str]


def event_promises(method: Microdata) -> tuple[Bilingual, ...]:
    """Say what holds of codes and dates, a sentence a model; nothing where the method asks nothing of them."""
    if method.events is None:
        return ()
    return (
        *(sentence for model in method.events.codes for sentence in _codes(model, model.k or method.k)),
        *(_dates(each) for each in method.events.trajectories),
    )


def _codes(model: CodeModel, k: int) -> tuple[Bilingual, ...]:
    names = ", ".join(f"{each.table}.{each.column}" for each in model.codes)
    power = power_of(model)
    beside_ja = "準識別子のすべてと、" if model.knows == "class_and_codes" else ""
    beside_en = "all quasi-identifiers and " if model.knows == "class_and_codes" else ""
    sentences = [
        (
            f"{beside_ja}{names} の符号を{power}個まで知る者に対しても、その組合せを持つ記録は{k}人以上のものである"
            f"({'LKC-プライバシー' if isinstance(model, LkcPrivacy) else 'kᵐ-匿名性'})。",
            f"Against who knows {beside_en}up to {power} codes of {names}, the records with that combination are of at least {k} people"
            f" ({'LKC-privacy' if isinstance(model, LkcPrivacy) else 'k^m-anonymity'}).",
        )
    ]
    if isinstance(model, LkcPrivacy):
        sentences.append(
            (
                f"その記録のうち、{model.sensitive} の知られたくない値を持つものは、値ごとに {model.c:.0%} 以下である。",
                f"Of these records at most {model.c:.0%} have any one of the sensitive values of {model.sensitive}.",
            )
        )
    return tuple(sentences)


def _dates(each: Trajectory) -> Bilingual:
    name = f"{each.table}.{each.column}"
    return (
        f"{name} の日付を{each.points}個知られても、一人に絞られる人は {each.max_uniqueness:.1%} 以下である。",
        f"Known {each.points} dates of {name}, at most {each.max_uniqueness:.1%} of the people are singled out.",
    )


def event_limits(method: Microdata) -> Bilingual:
    """Say what the models of events do not promise; empty where there are none, else each with a space where one is needed."""
    if method.events is None:
        return ("", "")
    ja = "定めた個数より多くの符号や日付を知る者、符号と日付を合わせて知る者、ある符号がないことを知る者に対しては述べない。"
    en = (
        " Nothing is said against who knows more codes or dates than stated, codes and dates together, or that somebody does not"
        " have a code."
    )
    if any(model.suppress == "entries" for model in method.events.codes):
        ja += "符号は一部の人からだけ消えていることがあり、消えた符号は偏っている。"
        en += " Codes may be missing from some people only, and those that are missing are not missing at random."
    return ja, en
