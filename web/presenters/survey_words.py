# ruff: noqa: E501, RUF001  # words of several languages, each on one line
"""What the survey page says to customers beside the survey's own texts, by language."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PageWords:
    """The page's own words in one language; {date} and {low} stand for values."""

    send: str
    optional: str
    problem: str
    choose: str
    too_long: str
    error: str
    scale: str
    again: str
    trial: str
    thanks: str
    thanks_more: str
    change: str
    forget: str
    forgotten: str
    forgotten_more: str
    answered: str
    answered_more: str
    broken: str
    broken_more: str
    over: str
    over_more: str
    later: str
    later_more: str
    not_stored: str
    slow_down: str
    privacy: str
    months: str

    def date(self, moment: datetime) -> str:
        """Write a day as people do in this language."""
        month = self.months.split()[moment.month - 1]
        return f"{moment.day} {month.replace('_', ' ')}"


WORDS = {
    "en": PageWords(
        send="Send answer",
        optional="(optional)",
        problem="There is a problem",
        choose="Choose a number from {low} to {top}.",
        too_long="Use at most {most} characters.",
        error="Error",
        scale="{low} is {low_label}, {top} is {top_label}.",
        again="You have answered already. You can change your answer until {date}.",
        trial="This is a trial. The answer is not counted.",
        thanks="Thank you",
        thanks_more="Your answer has been stored. You can close this page.",
        change="Change my answer",
        forget="Remove what I wrote",
        forgotten="Your comment will be removed within a minute.",
        forgotten_more="Your score stays.",
        answered="You have answered already",
        answered_more="Thank you. The answer can no longer be changed.",
        broken="This link does not work",
        broken_more="Part of it may be missing. Open it from the message again.",
        over="This survey is over",
        over_more="Answers are no longer taken. Thank you for wanting to help.",
        later="This page cannot be shown right now",
        later_more="Please open it again in a minute.",
        not_stored="Your answer could not be stored. Please send it again in a minute.",
        slow_down="There were many answers from this link. Please wait a few minutes.",
        privacy="Please do not write names, addresses or numbers here.",
        months="January February March April May June July August September October"
        " November December",
    ),
    "de": PageWords(
        send="Antwort senden",
        optional="(freiwillig)",
        problem="Da fehlt noch etwas",
        choose="Wählen Sie eine Zahl von {low} bis {top}.",
        too_long="Bitte höchstens {most} Zeichen.",
        error="Fehler",
        scale="{low} heißt {low_label}, {top} heißt {top_label}.",
        again="Sie haben schon geantwortet. Bis {date} können Sie die Antwort ändern.",
        trial="Dies ist ein Versuch. Die Antwort zählt nicht.",
        thanks="Danke",
        thanks_more="Ihre Antwort ist gespeichert. Sie können diese Seite schließen.",
        change="Antwort ändern",
        forget="Meinen Kommentar löschen",
        forgotten="Ihr Kommentar wird innerhalb einer Minute gelöscht.",
        forgotten_more="Ihre Bewertung bleibt.",
        answered="Sie haben schon geantwortet",
        answered_more="Danke. Die Antwort lässt sich nicht mehr ändern.",
        broken="Dieser Link funktioniert nicht",
        broken_more="Vielleicht fehlt ein Teil. Öffnen Sie ihn noch einmal aus der"
        " Nachricht.",
        over="Diese Umfrage ist beendet",
        over_more="Es werden keine Antworten mehr angenommen. Danke, dass Sie helfen"
        " wollten.",
        later="Diese Seite lässt sich gerade nicht zeigen",
        later_more="Bitte öffnen Sie sie in einer Minute noch einmal.",
        not_stored="Ihre Antwort konnte nicht gespeichert werden. Bitte senden Sie sie"
        " in einer Minute noch einmal.",
        slow_down="Über diesen Link kamen viele Antworten. Bitte warten Sie einige"
        " Minuten.",
        privacy="Bitte keine Namen, Adressen oder Nummern angeben.",
        months="Januar Februar März April Mai Juni Juli August September Oktober"
        " November Dezember",
    ),
    "fr": PageWords(
        send="Envoyer la réponse",
        optional="(facultatif)",
        problem="Il y a un problème",
        choose="Choisissez un nombre de {low} à {top}.",
        too_long="Utilisez au plus {most} caractères.",
        error="Erreur",
        scale="{low} signifie {low_label}, {top} signifie {top_label}.",
        again="Vous avez déjà répondu. Vous pouvez modifier votre réponse jusqu’au"
        " {date}.",
        trial="Ceci est un essai. La réponse n’est pas comptée.",
        thanks="Merci",
        thanks_more="Votre réponse est enregistrée. Vous pouvez fermer cette page.",
        change="Modifier ma réponse",
        forget="Supprimer mon commentaire",
        forgotten="Votre commentaire sera supprimé d’ici une minute.",
        forgotten_more="Votre note reste.",
        answered="Vous avez déjà répondu",
        answered_more="Merci. La réponse ne peut plus être modifiée.",
        broken="Ce lien ne fonctionne pas",
        broken_more="Il est peut-être incomplet. Ouvrez-le de nouveau depuis le message.",
        over="Cette enquête est terminée",
        over_more="Les réponses ne sont plus acceptées. Merci d’avoir voulu aider.",
        later="Cette page ne peut pas être affichée pour le moment",
        later_more="Veuillez l’ouvrir de nouveau dans une minute.",
        not_stored="Votre réponse n’a pas pu être enregistrée. Veuillez la renvoyer dans"
        " une minute.",
        slow_down="Ce lien a envoyé beaucoup de réponses. Veuillez attendre quelques"
        " minutes.",
        privacy="N’indiquez ni noms, ni adresses, ni numéros.",
        months="janvier février mars avril mai juin juillet août septembre octobre"
        " novembre décembre",
    ),
    "es": PageWords(
        send="Enviar respuesta",
        optional="(opcional)",
        problem="Hay un problema",
        choose="Elija un número del {low} al {top}.",
        too_long="Use como máximo {most} caracteres.",
        error="Error",
        scale="{low} significa {low_label}, {top} significa {top_label}.",
        again="Ya ha respondido. Puede cambiar su respuesta hasta el {date}.",
        trial="Esto es una prueba. La respuesta no cuenta.",
        thanks="Gracias",
        thanks_more="Su respuesta se ha guardado. Puede cerrar esta página.",
        change="Cambiar mi respuesta",
        forget="Borrar mi comentario",
        forgotten="Su comentario se borrará en un minuto.",
        forgotten_more="Su puntuación se conserva.",
        answered="Ya ha respondido",
        answered_more="Gracias. La respuesta ya no se puede cambiar.",
        broken="Este enlace no funciona",
        broken_more="Puede que falte una parte. Ábralo de nuevo desde el mensaje.",
        over="Esta encuesta ha terminado",
        over_more="Ya no se aceptan respuestas. Gracias por querer ayudar.",
        later="Esta página no se puede mostrar ahora mismo",
        later_more="Ábrala de nuevo dentro de un minuto.",
        not_stored="Su respuesta no se ha podido guardar. Envíela de nuevo dentro de un"
        " minuto.",
        slow_down="Este enlace ha enviado muchas respuestas. Espere unos minutos.",
        privacy="No escriba nombres, direcciones ni números.",
        months="de_enero de_febrero de_marzo de_abril de_mayo de_junio de_julio"
        " de_agosto de_septiembre de_octubre de_noviembre de_diciembre",
    ),
    "it": PageWords(
        send="Invia la risposta",
        optional="(facoltativo)",
        problem="C’è un problema",
        choose="Scelga un numero da {low} a {top}.",
        too_long="Usi al massimo {most} caratteri.",
        error="Errore",
        scale="{low} significa {low_label}, {top} significa {top_label}.",
        again="Ha già risposto. Può cambiare la risposta fino al {date}.",
        trial="Questa è una prova. La risposta non conta.",
        thanks="Grazie",
        thanks_more="La risposta è stata salvata. Può chiudere questa pagina.",
        change="Cambia la mia risposta",
        forget="Elimina il mio commento",
        forgotten="Il suo commento sarà eliminato entro un minuto.",
        forgotten_more="Il punteggio resta.",
        answered="Ha già risposto",
        answered_more="Grazie. La risposta non si può più cambiare.",
        broken="Questo link non funziona",
        broken_more="Forse ne manca una parte. Lo apra di nuovo dal messaggio.",
        over="Questo sondaggio è terminato",
        over_more="Le risposte non sono più accettate. Grazie per aver voluto aiutare.",
        later="Questa pagina non si può mostrare in questo momento",
        later_more="La apra di nuovo tra un minuto.",
        not_stored="La risposta non è stata salvata. La invii di nuovo tra un minuto.",
        slow_down="Da questo link sono arrivate molte risposte. Attenda qualche minuto.",
        privacy="Non scriva nomi, indirizzi o numeri.",
        months="gennaio febbraio marzo aprile maggio giugno luglio agosto settembre"
        " ottobre novembre dicembre",
    ),
    "nl": PageWords(
        send="Antwoord versturen",
        optional="(niet verplicht)",
        problem="Er is een probleem",
        choose="Kies een getal van {low} tot {top}.",
        too_long="Gebruik hoogstens {most} tekens.",
        error="Fout",
        scale="{low} betekent {low_label}, {top} betekent {top_label}.",
        again="U hebt al geantwoord. Tot {date} kunt u uw antwoord wijzigen.",
        trial="Dit is een proef. Het antwoord telt niet mee.",
        thanks="Bedankt",
        thanks_more="Uw antwoord is opgeslagen. U kunt deze pagina sluiten.",
        change="Mijn antwoord wijzigen",
        forget="Mijn opmerking verwijderen",
        forgotten="Uw opmerking wordt binnen een minuut verwijderd.",
        forgotten_more="Uw score blijft.",
        answered="U hebt al geantwoord",
        answered_more="Bedankt. Het antwoord kan niet meer worden gewijzigd.",
        broken="Deze link werkt niet",
        broken_more="Misschien ontbreekt een deel. Open hem opnieuw vanuit het bericht.",
        over="Deze enquête is afgelopen",
        over_more="Er worden geen antwoorden meer aangenomen. Bedankt dat u wilde"
        " helpen.",
        later="Deze pagina kan nu niet worden getoond",
        later_more="Open hem over een minuut opnieuw.",
        not_stored="Uw antwoord kon niet worden opgeslagen. Verstuur het over een minuut"
        " opnieuw.",
        slow_down="Via deze link kwamen veel antwoorden. Wacht een paar minuten.",
        privacy="Vermeld geen namen, adressen of nummers.",
        months="januari februari maart april mei juni juli augustus september oktober"
        " november december",
    ),
}
NAMES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "nl": "Nederlands",
}
