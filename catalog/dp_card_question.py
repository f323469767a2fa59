"""The card of one answered question: the release's entry in the form of the registry, as it holds for this answer.

A question is charged, drawn and stored like a release, under the same policy; what differs is that somebody asked, that many
may ask, and which query was answered. The checklist of hazards is that of the release, in its dossier. Not here: the form
(`dp_card`), everything that a release and a question have in common (`dp_card_build`).
"""

from collections.abc import Mapping

from catalog.dp_card import RegistryEntry
from catalog.dp_card_build import CardFacts, build_card
from policies.model.strictness import Text

_NAME = Text(ja="研究者の質問への答え: ", en="Answer to a researcher's question: ")
_MODEL: Mapping[str, Text] = {
    "release_type_details": Text(
        ja="許可を受けた研究者の質問ごとに一度だけ引き、保存した答えを繰り返す。どの質問も同じ口座に加算され、研究者ごとの上限は口座の内側にある。",
        en="Each question of a permitted researcher is drawn once, and its stored answer repeated. All questions add to the same "
        "account; a researcher's quota lies inside it.",
    ),
    "access_type_details": Text(
        ja="質問は公開ポリシーが宣言したキー・範囲・上限からだけ選ぶ。審査で許可された後に、公開物と同じ仕組みと台帳で答える。",
        en="A question chooses among keys, ranges and bounds that the release policy declares. It is answered after review and "
        "permit, by the same mechanism and ledger as releases.",
    ),
}


def question_entries(facts: CardFacts) -> tuple[RegistryEntry, RegistryEntry]:
    """Return the entry of an answered question in Japanese and in English.

    Args:
        facts: Of the answer: the release with the question compiled into it, the evidence of the draw, its charge.

    Raises:
        DataError: The evidence names no loss.
    """
    card = build_card(facts)
    return _asked(card.ja, is_english=False), _asked(card.en, is_english=True)


def _asked(entry: RegistryEntry, *, is_english: bool) -> RegistryEntry:
    deployment = entry.deployment
    said = {name: text.en if is_english else text.ja for name, text in _MODEL.items()}
    name = (_NAME.en if is_english else _NAME.ja) + deployment.basic.name
    kinds = {"release_type": "Many releases", "access_type": "Interactive"}
    asked = deployment.model_copy(
        update={
            "basic": deployment.basic.model_copy(update={"name": name}),
            "deployment_model": deployment.deployment_model.model_copy(update={**said, **kinds}),
        }
    )
    return entry.model_copy(update={"deployment": asked})
