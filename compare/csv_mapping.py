"""Which column of an uploaded table is which: proposed by header and content, never applied by itself."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from statistics import fmean

from compare.cases import COLUMNS

LABEL = "label"
"""Maps a column of labels: each becomes a ``label`` check of its case."""
TARGETS = (*COLUMNS, LABEL)
MEANINGS: dict[str, str] = {
    "query": "what the user asks; the only column that is needed",
    "expected": "the right answer, as text or as JSON",
    "checks": "rules that the answer must meet",
    "source": "the document that holds the answer",
    "tags": "words to filter by, separated by commas",
    "context": "text that belongs to the question, such as the note to be summarised",
    "group": "cases of one fact, situation or template share a group",
    "split": "dev (for tuning) or test (for verdicts); empty: chosen for you, half each",
    "notes": "for people; nothing is compared with it",
    "id": "the name of the case, once in a file; empty: made from the row",
    "label": "the one right label; becomes a label check",
}
_ALIASES: dict[str, str] = {
    "query": """
        question, prompt, input, text, message, user message, user input, user query, utterance,
        request, ticket, instruction, frage, anfrage, nachricht, eingabe, pregunta, consulta, mensaje,
        entrada, requete, demande, domanda, richiesta, pergunta, vraag, pytanie, fraga, вопрос,
        запрос, 问题, 問題, 質問, 질문, سؤال, שאלה
    """,
    "expected": """
        answer, expected answer, expected output, gold, gold answer, reference, reference
        answer, target, ideal, ideal answer, output, completion, response, ground truth, correct
        answer, antwort, erwartet, erwartete antwort, respuesta, respuesta esperada, reponse,
        reponse attendue, risposta, resposta, antwoord, odpowiedz, svar, ответ, 答案, 回答, 답변,
        إجابة, תשובה
    """,
    "checks": """
        check, assertion, assertions, assert, rules, rule, prufung, prufungen, regeln
    """,
    "source": """
        document, doc, file, gold source, source document, citation, quelle, dokument, fuente,
        documento, fonte, bron, источник, 来源, 出典
    """,
    "tags": """
        tag, topic, topics, category, kategorie, categoria, categorie, thema, tema
    """,
    "context": """
        passage, background, note, kontext, contexto, contexte, contesto
    """,
    "notes": """
        comment, comments, remark, remarks, notizen, bemerkung, notas, commentaire
    """,
    "group": """
        cluster, family, template, gruppe, grupo, groupe
    """,
    "split": """
        set, fold, subset
    """,
    "id": """
        case, case id, nr, no, number, key, identifier, nummer
    """,
    "label": """
        labels, class, intent, klasse, etikett, etiqueta, etiquette
    """,
}
"""Other names of a column, in several languages, between commas."""


def folded_header(header: str) -> str:
    """A header as two are compared: no case, accents, punctuation or doubled white space."""
    plain = unicodedata.normalize("NFKD", header).casefold()
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())


def propose(headers: Sequence[str], sample: Sequence[Sequence[str]]) -> dict[str, str]:
    """Known column to header: exact names first, then aliases; a query is guessed by its content at last.

    ``sample`` are some rows; a header without a proposal is kept as metadata.
    """
    free = {folded_header(header): header for header in reversed(headers) if header.strip()}
    found: dict[str, str] = {}
    for names in ({target: target for target in TARGETS}, _ALIASES):
        for target, aliases in names.items():
            hit = next((alias for alias in map(folded_header, aliases.split(",")) if alias in free), None)
            if target not in found and hit is not None:
                found[target] = free.pop(hit)
    if "query" not in found and (guess := _like_queries(headers, sample, set(free.values()))):
        found["query"] = guess
    return {target: found[target] for target in TARGETS if target in found}


def _like_queries(headers: Sequence[str], sample: Sequence[Sequence[str]], free: set[str]) -> str:
    """The free column whose cells look most like questions: long, of several words, with question marks."""
    scores: dict[str, float] = {}
    for place, header in enumerate(headers):
        cells = [row[place] for row in sample if place < len(row) and row[place].strip()]
        if header in free and cells:
            words = fmean(min(len(cell.split()), 30) for cell in cells)
            asked = fmean("?" in cell or "？" in cell or "؟" in cell for cell in cells)
            if words >= 3:
                scores[header] = words + 30 * asked
    return max(scores, key=lambda header: scores[header]) if scores else ""


def is_applied(mapping: Mapping[str, str]) -> bool:
    """Whether every known column has its own name, so that nothing was guessed."""
    return all(folded_header(header) == target for target, header in mapping.items())
