# ruff: noqa: E501, RUF001  # words of several languages, each on one line
"""What the page of a customer's choice says, by language."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from experiments.vocabulary import MetricKind


@dataclass(frozen=True, slots=True)
class ChoiceWords:
    """The page's words in one language; {date} and {things} stand for values."""

    title: str
    intro: str
    chance: str
    parts: str
    part: str
    some: str
    seen: str
    measured: str
    stays: str
    satisfied: str
    recommends: str
    effort: str
    uses: str
    helped: str
    amounts: str
    and_: str
    none: str
    firms: str
    privacy: str
    choice: str
    leave: str
    leaves: str
    is_out: str
    out_means: str
    enter: str
    enters: str
    done_out: str
    done_in: str
    error: str
    problem: str
    slow_down: str
    not_stored: str
    date_form: str
    months: str

    def date(self, moment: datetime) -> str:
        """Write a day with its year as people do in this language."""
        month = self.months.split()[moment.month - 1]
        return self.date_form.format(day=moment.day, month=month, year=moment.year)

    def things(self, kinds: Iterable[MetricKind]) -> str:
        """Say what an experiment looks at, each thing once.

        Args:
            kinds: of its metrics.

        Returns:
            Such as "whether you go on using the service and how satisfied you are".
        """
        own = {
            MetricKind.RETENTION: self.stays,
            MetricKind.UNBOUNDED_RETENTION: self.stays,
            MetricKind.CHURN: self.stays,
            MetricKind.TIME_TO_CHURN: self.stays,
            MetricKind.CANCELLATION: self.stays,
            MetricKind.TIME_TO_CANCELLATION: self.stays,
            MetricKind.TIME_TO_EVENT: self.uses,
            MetricKind.EVENT_SHARE: self.uses,
            MetricKind.EVENT_COUNT: self.uses,
            MetricKind.FUNNEL: self.uses,
            MetricKind.FIRST_CONTACT_RESOLUTION: self.helped,
            MetricKind.VALUE_SUM: self.amounts,
            MetricKind.RATIO: self.amounts,
            MetricKind.VALUE_QUANTILE: self.amounts,
            MetricKind.CSAT_MEAN: self.satisfied,
            MetricKind.CSAT_SHARE: self.satisfied,
            MetricKind.NPS: self.recommends,
            MetricKind.CES_MEAN: self.effort,
            MetricKind.CES_SHARE: self.effort,
        }
        said = list(dict.fromkeys(own[kind] for kind in kinds))
        if len(said) < 2:  # noqa: PLR2004  # nothing to join
            return "".join(said)
        return f"{', '.join(said[:-1])} {self.and_} {said[-1]}"


CHOICE_WORDS = {
    "en": ChoiceWords(
        title="Why you may see something different",
        intro="To find out what helps our customers, we sometimes show groups of customers different versions of a part of our service.",
        chance="Chance decides who sees which version. You can take part in none of these tests: that changes nothing in what you pay or may use.",
        parts="Tests you take part in",
        part="A test of our service",
        some="Some customers see one version of a part of our service, others another.",
        seen="You have been shown one of the versions.",
        measured="We look at {things}.",
        stays="whether customers go on using the service",
        satisfied="how satisfied they say they are",
        recommends="whether they would recommend us",
        effort="how easy they find it",
        uses="how they use the service",
        helped="whether support settles things at the first contact",
        amounts="which amounts go with it, such as payments",
        and_="and",
        none="You take part in no test at the moment, as far as we know it here.",
        firms="Tests of whole organisations: yours may take part",
        privacy="For these tests we keep neither your name nor your address; a code stands in their place.",
        choice="Your choice",
        leave="Take part in no tests",
        leaves="You then see the usual version. Nothing more is recorded about you for tests, and what was recorded before is left out of all results from now on.",
        is_out="You take part in no tests",
        out_means="Since {date} you see the usual version. Nothing is recorded about you for tests, and what was recorded before is left out of all results.",
        enter="Take part again",
        enters="You may then see different versions again. Tests in which you took no part for a while stay without you.",
        done_out="Done. It takes effect everywhere within a minute.",
        done_in="Done. You take part again within a minute.",
        error="Error",
        problem="There is a problem",
        slow_down="This choice was changed very often. Please wait a few minutes.",
        not_stored="Your choice could not be stored. Please try again in a minute.",
        date_form="{day} {month} {year}",
        months="January February March April May June July August September October November December",
    ),
    "de": ChoiceWords(
        title="Warum Sie vielleicht etwas anderes sehen",
        intro="Um herauszufinden, was unseren Kunden hilft, zeigen wir manchmal Gruppen von Kunden verschiedene Fassungen eines Teils unseres Angebots.",
        chance="Der Zufall entscheidet, wer welche Fassung sieht. Sie müssen an keinem dieser Tests teilnehmen: Das ändert nichts daran, was Sie zahlen oder nutzen können.",
        parts="Tests, an denen Sie teilnehmen",
        part="Ein Test unseres Angebots",
        some="Manche Kunden sehen eine Fassung eines Teils unseres Angebots, andere eine andere.",
        seen="Ihnen wurde eine der Fassungen gezeigt.",
        measured="Wir schauen darauf, {things}.",
        stays="ob Kunden das Angebot weiter nutzen",
        satisfied="wie zufrieden sie sich äußern",
        recommends="ob sie uns empfehlen würden",
        effort="wie leicht es ihnen fällt",
        uses="wie sie das Angebot nutzen",
        helped="ob der Kundendienst beim ersten Kontakt helfen kann",
        amounts="welche Beträge dabei anfallen, etwa Zahlungen",
        and_="und",
        none="Sie nehmen zurzeit an keinem Test teil, soweit wir es hier wissen.",
        firms="Tests mit ganzen Organisationen: Ihre kann dabei sein",
        privacy="Für diese Tests speichern wir weder Ihren Namen noch Ihre Adresse; an ihrer Stelle steht ein Code.",
        choice="Ihre Wahl",
        leave="An keinen Tests teilnehmen",
        leaves="Sie sehen dann die übliche Fassung. Für Tests wird nichts mehr über Sie aufgezeichnet, und was vorher aufgezeichnet wurde, bleibt ab jetzt aus allen Ergebnissen heraus.",
        is_out="Sie nehmen an keinen Tests teil",
        out_means="Seit dem {date} sehen Sie die übliche Fassung. Für Tests wird nichts über Sie aufgezeichnet, und was vorher aufgezeichnet wurde, bleibt aus allen Ergebnissen heraus.",
        enter="Wieder teilnehmen",
        enters="Sie können dann wieder verschiedene Fassungen sehen. Tests, an denen Sie eine Zeit lang nicht teilgenommen haben, bleiben ohne Sie.",
        done_out="Erledigt. Es gilt überall innerhalb einer Minute.",
        done_in="Erledigt. Sie nehmen innerhalb einer Minute wieder teil.",
        error="Fehler",
        problem="Es gibt ein Problem",
        slow_down="Diese Wahl wurde sehr oft geändert. Bitte warten Sie einige Minuten.",
        not_stored="Ihre Wahl konnte nicht gespeichert werden. Bitte versuchen Sie es in einer Minute noch einmal.",
        date_form="{day}. {month} {year}",
        months="Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    ),
    "fr": ChoiceWords(
        title="Pourquoi vous voyez peut-être autre chose",
        intro="Pour savoir ce qui aide nos clients, nous montrons parfois à des groupes de clients des versions différentes d’une partie de notre service.",
        chance="Le hasard décide qui voit quelle version. Vous pouvez ne participer à aucun de ces tests : cela ne change rien à ce que vous payez ou pouvez utiliser.",
        parts="Les tests auxquels vous participez",
        part="Un test de notre service",
        some="Certains clients voient une version d’une partie de notre service, d’autres une autre.",
        seen="L’une des versions vous a été montrée.",
        measured="Nous regardons {things}.",
        stays="si les clients continuent d’utiliser le service",
        satisfied="à quel point ils se disent satisfaits",
        recommends="s’ils nous recommanderaient",
        effort="s’ils trouvent cela facile",
        uses="comment ils utilisent le service",
        helped="si le service client règle leur demande au premier contact",
        amounts="quels montants cela représente, par exemple des paiements",
        and_="et",
        none="Vous ne participez à aucun test en ce moment, pour autant que nous le sachions ici.",
        firms="Tests d’organisations entières : la vôtre y participe peut-être",
        privacy="Pour ces tests, nous ne gardons ni votre nom ni votre adresse ; un code les remplace.",
        choice="Votre choix",
        leave="Ne participer à aucun test",
        leaves="Vous voyez alors la version habituelle. Plus rien n’est enregistré sur vous pour les tests, et ce qui l’a été avant est désormais exclu de tous les résultats.",
        is_out="Vous ne participez à aucun test",
        out_means="Depuis le {date}, vous voyez la version habituelle. Rien n’est enregistré sur vous pour les tests, et ce qui l’a été avant est exclu de tous les résultats.",
        enter="Participer de nouveau",
        enters="Vous pourrez alors voir de nouveau des versions différentes. Les tests auxquels vous n’avez pas participé pendant un temps restent sans vous.",
        done_out="C’est fait. Votre choix prend effet partout en moins d’une minute.",
        done_in="C’est fait. Vous participez de nouveau en moins d’une minute.",
        error="Erreur",
        problem="Il y a un problème",
        slow_down="Ce choix a été modifié très souvent. Veuillez attendre quelques minutes.",
        not_stored="Votre choix n’a pas pu être enregistré. Veuillez réessayer dans une minute.",
        date_form="{day} {month} {year}",
        months="janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    ),
    "es": ChoiceWords(
        title="Por qué quizá ve algo distinto",
        intro="Para saber qué ayuda a nuestros clientes, a veces mostramos a grupos de clientes versiones distintas de una parte de nuestro servicio.",
        chance="El azar decide quién ve cada versión. Puede no participar en ninguna de estas pruebas: eso no cambia lo que paga ni lo que puede usar.",
        parts="Pruebas en las que participa",
        part="Una prueba de nuestro servicio",
        some="Algunos clientes ven una versión de una parte de nuestro servicio y otros, otra.",
        seen="Se le ha mostrado una de las versiones.",
        measured="Miramos {things}.",
        stays="si los clientes siguen usando el servicio",
        satisfied="lo satisfechos que dicen estar",
        recommends="si nos recomendarían",
        effort="si les resulta fácil",
        uses="cómo usan el servicio",
        helped="si la atención al cliente resuelve al primer contacto",
        amounts="qué importes supone, por ejemplo pagos",
        and_="y",
        none="Ahora no participa en ninguna prueba, hasta donde sabemos aquí.",
        firms="Pruebas con organizaciones enteras: la suya puede participar",
        privacy="Para estas pruebas no guardamos su nombre ni su dirección; un código ocupa su lugar.",
        choice="Su elección",
        leave="No participar en ninguna prueba",
        leaves="Entonces verá la versión habitual. No se registrará nada más sobre usted para las pruebas, y lo registrado antes queda desde ahora fuera de todos los resultados.",
        is_out="No participa en ninguna prueba",
        out_means="Desde el {date} ve la versión habitual. No se registra nada sobre usted para las pruebas, y lo registrado antes queda fuera de todos los resultados.",
        enter="Volver a participar",
        enters="Entonces podrá ver de nuevo versiones distintas. Las pruebas en las que no participó durante un tiempo siguen sin usted.",
        done_out="Hecho. Tiene efecto en todas partes en menos de un minuto.",
        done_in="Hecho. Vuelve a participar en menos de un minuto.",
        error="Error",
        problem="Hay un problema",
        slow_down="Esta elección se cambió muchas veces. Espere unos minutos, por favor.",
        not_stored="No se pudo guardar su elección. Inténtelo de nuevo en un minuto, por favor.",
        date_form="{day} de {month} de {year}",
        months="enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    ),
    "it": ChoiceWords(
        title="Perché forse vede qualcosa di diverso",
        intro="Per capire che cosa aiuta i nostri clienti, a volte mostriamo a gruppi di clienti versioni diverse di una parte del nostro servizio.",
        chance="È il caso a decidere chi vede quale versione. Può non partecipare a nessuno di questi test: non cambia quello che paga né quello che può usare.",
        parts="I test a cui partecipa",
        part="Un test del nostro servizio",
        some="Alcuni clienti vedono una versione di una parte del nostro servizio, altri un’altra.",
        seen="Le è stata mostrata una delle versioni.",
        measured="Guardiamo {things}.",
        stays="se i clienti continuano a usare il servizio",
        satisfied="quanto si dicono soddisfatti",
        recommends="se ci consiglierebbero",
        effort="se lo trovano facile",
        uses="come usano il servizio",
        helped="se l’assistenza risolve al primo contatto",
        amounts="quali importi ne derivano, ad esempio pagamenti",
        and_="e",
        none="In questo momento non partecipa a nessun test, per quanto sappiamo qui.",
        firms="Test con intere organizzazioni: la Sua può partecipare",
        privacy="Per questi test non conserviamo né il Suo nome né il Suo indirizzo; al loro posto c’è un codice.",
        choice="La Sua scelta",
        leave="Non partecipare a nessun test",
        leaves="Vedrà allora la versione abituale. Per i test non si registra più nulla su di Lei, e ciò che è stato registrato prima resta da ora fuori da tutti i risultati.",
        is_out="Non partecipa a nessun test",
        out_means="Dal {date} vede la versione abituale. Per i test non si registra nulla su di Lei, e ciò che è stato registrato prima resta fuori da tutti i risultati.",
        enter="Partecipare di nuovo",
        enters="Potrà allora vedere di nuovo versioni diverse. I test a cui per un po’ non ha partecipato restano senza di Lei.",
        done_out="Fatto. Ha effetto ovunque entro un minuto.",
        done_in="Fatto. Partecipa di nuovo entro un minuto.",
        error="Errore",
        problem="C’è un problema",
        slow_down="Questa scelta è stata cambiata molte volte. Attenda qualche minuto.",
        not_stored="Non è stato possibile salvare la Sua scelta. Riprovi tra un minuto.",
        date_form="{day} {month} {year}",
        months="gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    ),
    "nl": ChoiceWords(
        title="Waarom u misschien iets anders ziet",
        intro="Om te weten wat onze klanten helpt, laten we groepen klanten soms verschillende versies van een deel van onze dienst zien.",
        chance="Het toeval bepaalt wie welke versie ziet. U hoeft aan geen van deze tests mee te doen: dat verandert niets aan wat u betaalt of mag gebruiken.",
        parts="Tests waaraan u meedoet",
        part="Een test van onze dienst",
        some="Sommige klanten zien de ene versie van een deel van onze dienst, andere een andere.",
        seen="U hebt een van de versies te zien gekregen.",
        measured="We kijken naar {things}.",
        stays="of klanten de dienst blijven gebruiken",
        satisfied="hoe tevreden ze zeggen te zijn",
        recommends="of ze ons zouden aanbevelen",
        effort="of ze het makkelijk vinden",
        uses="hoe ze de dienst gebruiken",
        helped="of de klantenservice bij het eerste contact kan helpen",
        amounts="welke bedragen daarbij horen, zoals betalingen",
        and_="en",
        none="U doet op dit moment aan geen test mee, voor zover we dat hier weten.",
        firms="Tests met hele organisaties: de uwe doet misschien mee",
        privacy="Voor deze tests bewaren we uw naam en adres niet; een code staat op hun plaats.",
        choice="Uw keuze",
        leave="Aan geen tests meedoen",
        leaves="U ziet dan de gewone versie. Voor tests wordt niets meer over u vastgelegd, en wat eerder is vastgelegd blijft vanaf nu buiten alle resultaten.",
        is_out="U doet aan geen tests mee",
        out_means="Sinds {date} ziet u de gewone versie. Voor tests wordt niets over u vastgelegd, en wat eerder is vastgelegd blijft buiten alle resultaten.",
        enter="Weer meedoen",
        enters="U kunt dan weer verschillende versies zien. Tests waaraan u een tijd niet meedeed, blijven zonder u.",
        done_out="Gedaan. Het geldt overal binnen een minuut.",
        done_in="Gedaan. U doet binnen een minuut weer mee.",
        error="Fout",
        problem="Er is een probleem",
        slow_down="Deze keuze is heel vaak gewijzigd. Wacht een paar minuten.",
        not_stored="Uw keuze kon niet worden bewaard. Probeer het over een minuut opnieuw.",
        date_form="{day} {month} {year}",
        months="januari februari maart april mei juni juli augustus september oktober november december",
    ),
}
