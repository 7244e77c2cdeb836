<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional;

use Mieterportal\Typo3\Controller\Backend\AushangController;
use Mieterportal\Typo3\Controller\Backend\ModuleFrame;
use Mieterportal\Typo3\Controller\Backend\PreviewController;
use Mieterportal\Typo3\Controller\Backend\RoutingController;
use Mieterportal\Typo3\Controller\Backend\SetupController;
use Mieterportal\Typo3\Controller\Backend\SyncController;
use Mieterportal\Typo3\EventListener\AllowPortal;
use Mieterportal\Typo3\Tests\Functional\Fixtures\PortalBehindModule;
use PHPUnit\Framework\Attributes\Test;
use PHPUnit\Framework\Attributes\TestWith;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Symfony\Component\Yaml\Yaml;
use TYPO3\CMS\Backend\Form\FormDataCompiler;
use TYPO3\CMS\Backend\Form\FormDataGroup\TcaDatabaseRecord;
use TYPO3\CMS\Backend\Module\ModuleProvider;
use TYPO3\CMS\Backend\Routing\Route;
use TYPO3\CMS\Core\Configuration\SiteWriter;
use TYPO3\CMS\Core\Core\SystemEnvironmentBuilder;
use TYPO3\CMS\Core\Http\NormalizedParams;
use TYPO3\CMS\Core\Http\ServerRequest;
use TYPO3\CMS\Core\Localization\LanguageServiceFactory;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\Directive;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\Event\PolicyMutatedEvent;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\Policy;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\Scope;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\SourceKeyword;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\UriValue;
use TYPO3\CMS\Core\Site\Set\SetRegistry;
use TYPO3\CMS\Core\Site\SiteFinder;
use TYPO3\CMS\Core\Utility\GeneralUtility;
use TYPO3\CMS\Dashboard\WidgetRegistry;
use TYPO3\CMS\Dashboard\Widgets\RequestAwareWidgetInterface;
use TYPO3\CMS\Dashboard\Widgets\WidgetInterface;
use TYPO3\TestingFramework\Core\Functional\FunctionalTestCase;

require_once __DIR__ . '/Fixtures/PortalBehindModule.php';

/**
 * The module, the widget and the policy inside TYPO3.
 */
final class BackEndTest extends FunctionalTestCase
{
    private const KEY = 'the-key-has-at-least-32-bytes-ok';

    protected array $coreExtensionsToLoad = ['typo3/cms-felogin', 'typo3/cms-fluid-styled-content', 'typo3/cms-dashboard'];
    protected array $testExtensionsToLoad = ['mieterportal/typo3-mieterportal'];
    protected array $configurationToUseInTestInstance = [
        // without the back end's own part, TYPO3 would make all of it anew and leave out what has no template, ours
        'EXTENSIONS' => [
            'backend' => ['backendFavicon' => '', 'backendLogo' => '', 'loginFootnote' => ''],
            'mieterportal' => ['keys' => ['website' => ['key' => self::KEY]]],
        ],
    ];

    private PortalBehindModule $portal;

    protected function setUp(): void
    {
        parent::setUp();
        $this->importCSVDataSet(__DIR__ . '/Fixtures/back_end.csv');
        $this->site('main', 1, 'https://www.example.de/', [
            'portalUrl' => 'https://portal.example.de/musterbau',
            'connection' => 'website',
            'loginPage' => 3,
            'emergencyPhone' => '030 123',
        ]);
        $this->site('other', 9, 'https://other.example.de/', []);
        $this->portal = new PortalBehindModule();
        $GLOBALS['TYPO3_CONF_VARS']['HTTP']['handler'] = ['portal' => $this->portal];
        $this->signIn(1);
    }

    /**
     * @param array<string, mixed> $settings
     * @param list<string> $sets
     */
    private function site(string $name, int $root, string $base, array $settings, array $sets = ['mieterportal/mieterportal']): void
    {
        $folder = $this->instancePath . '/typo3conf/sites/' . $name . '/';
        is_dir($folder) || mkdir($folder, 0777, true);
        file_put_contents($folder . 'config.yaml', (string)json_encode([
            'rootPageId' => $root,
            'base' => $base,
            'dependencies' => $sets,
            'languages' => [['languageId' => 0, 'title' => 'Deutsch', 'base' => '/', 'locale' => 'de_DE.UTF-8', 'enabled' => true]],
        ]));
        file_put_contents($folder . 'settings.yaml', (string)json_encode(['mieterportal' => $settings === [] ? new \stdClass() : $settings]));
    }

    private function signIn(int $user): void
    {
        $GLOBALS['BE_USER'] = $this->setUpBackendUser($user);
        $GLOBALS['LANG'] = $this->get(LanguageServiceFactory::class)->createFromUserPreferences($GLOBALS['BE_USER']);
    }

    /**
     * @param array<string, string> $query
     */
    private function request(string $module, array $query = []): ServerRequestInterface
    {
        $uri = 'https://www.example.de/typo3/module/site/mieterportal';
        $server = ['HTTP_HOST' => 'www.example.de', 'HTTPS' => 'on', 'SCRIPT_NAME' => '/index.php', 'REQUEST_URI' => '/typo3/'];
        $request = (new ServerRequest($uri, 'GET', 'php://input', [], $server))->withQueryParams($query + ['site' => 'main']);
        $request = $request
            ->withAttribute('applicationType', SystemEnvironmentBuilder::REQUESTTYPE_BE)
            ->withAttribute('normalizedParams', NormalizedParams::createFromRequest($request))
            ->withAttribute('module', $this->get(ModuleProvider::class)->getModule($module, null, false))
            ->withAttribute('route', new Route('/module', ['packageName' => 'mieterportal/typo3-mieterportal', '_identifier' => $module]));
        $GLOBALS['TYPO3_REQUEST'] = $request;

        return $request;
    }

    private static function text(ResponseInterface $response): string
    {
        self::assertSame(200, $response->getStatusCode());

        return (string)$response->getBody();
    }

    #[Test]
    public function aSiteThatIsSetUpHasAllStepsGreen(): void
    {
        $page = self::text($this->get(SetupController::class)->showAction($this->request('mieterportal_setup')));
        self::assertSame(14, substr_count($page, 'data-state="success"'), $page);
        self::assertStringContainsString('Everything is set up', $page);
        self::assertStringNotContainsString(self::KEY, $page);
        self::assertContains('GET /mieterportal', $this->portal->asked);
    }

    #[Test]
    #[TestWith([300, 'behind'])]
    #[TestWith([-300, 'ahead of'])]
    public function aClockFiveMinutesOffIsToldTheAdministratorAsTheCause(int $ahead, string $said): void
    {
        $this->portal->ahead = $ahead;
        $this->portal->admin['/version'] = [401, ['code' => 'token_refused']];
        $page = self::text($this->get(SetupController::class)->showAction($this->request('mieterportal_setup')));
        self::assertMatchesRegularExpression("/clock is (299|30\\d) seconds {$said} the portal/", html_entity_decode($page, ENT_QUOTES));
        self::assertStringContainsString('switch on time synchronisation (NTP)', $page);
        self::assertSame(1, substr_count($page, 'data-state="danger"'), $page);
        self::assertStringNotContainsString('Portal website:', $page);
    }

    #[Test]
    public function anotherPublicAddressIsToldTheAdministratorAsTheCause(): void
    {
        $this->portal->address = 'https://portal.other.de/musterbau';
        $this->portal->admin['/version'] = [401, ['code' => 'token_refused']];
        $page = self::text($this->get(SetupController::class)->showAction($this->request('mieterportal_setup')));
        self::assertStringContainsString('The portal calls itself https://portal.other.de/musterbau', $page);
        self::assertSame(1, substr_count($page, 'data-state="danger"'), $page);
    }

    #[Test]
    #[TestWith([[], 'MIETERPORTAL_KEY_WEBSITE'])]
    #[TestWith([['website' => ['key' => 'too-short']], '32'])]
    public function aMissingOrShortKeyIsToldTheAdministratorWithItsPlace(array $keys, string $said): void
    {
        $GLOBALS['TYPO3_CONF_VARS']['EXTENSIONS']['mieterportal']['keys'] = $keys;
        $page = self::text($this->get(SetupController::class)->showAction($this->request('mieterportal_setup')));
        self::assertSame(1, substr_count($page, 'data-state="danger"'), $page);
        self::assertStringContainsString($said, $page);
        self::assertStringNotContainsString('too-short', $page);
    }

    #[Test]
    public function aWrongKeyIsToldTheAdministrator(): void
    {
        $this->portal->admin['/version'] = [401, ['code' => 'token_refused']];
        $page = self::text($this->get(SetupController::class)->showAction($this->request('mieterportal_setup')));
        self::assertSame(1, substr_count($page, 'data-state="danger"'), $page);
        self::assertStringNotContainsString('Portal website:', $page);
        self::assertStringNotContainsString(self::KEY, $page);
    }

    #[Test]
    public function aNewKeyIsShownInOneAnswerThatNobodyKeeps(): void
    {
        $answer = $this->get(SetupController::class)->keyAction($this->request('mieterportal_setup'));
        self::assertSame('no-store', $answer->getHeaderLine('Cache-Control'));
        self::assertSame(1, preg_match('/value="([\w-]{43})"/', self::text($answer), $found));
        self::assertStringContainsString('MIETERPORTAL_KEY_WEBSITE=' . $found[1], self::text($answer));
        self::assertStringNotContainsString($found[1], json_encode($GLOBALS['TYPO3_CONF_VARS']) . serialize($GLOBALS['BE_USER']->user));
        foreach (glob($this->instancePath . '/typo3conf/{sites/*,system}/*', GLOB_BRACE) ?: [] as $file) {
            self::assertStringNotContainsString($found[1], (string)file_get_contents($file), $file);
        }
    }

    #[Test]
    public function theFirstKeyComesWithAllThatTheOperatorWritesAndTheThreePlacesHere(): void
    {
        $GLOBALS['TYPO3_CONF_VARS']['EXTENSIONS']['mieterportal']['keys'] = [];
        $page = html_entity_decode(self::text($this->get(SetupController::class)->keyAction($this->request('mieterportal_setup'))), ENT_QUOTES);
        self::assertStringContainsString("kind = \"typo3\"\norigins = [\"https://www.example.de\"]\nkeys = [\"", $page);
        self::assertStringContainsString('MIETERPORTAL_KEY_WEBSITE_FILE=/etc/mieterportal/website.key', $page);
        self::assertStringContainsString("['mieterportal']['keys']['website']['file'] = '/etc/mieterportal/website.key';", $page);
    }

    #[Test]
    public function aLoginFormThatLeadsNobodyBackIsToldWithTheWayToTheSettings(): void
    {
        $this->getConnectionPool()->getConnectionForTable('tt_content')->update('tt_content', ['pi_flexform' => ''], ['uid' => 30]);
        $page = self::text($this->get(SetupController::class)->showAction($this->request('mieterportal_setup')));
        self::assertSame(13, substr_count($page, 'data-state="success"'), $page);
        self::assertStringContainsString('Whoever signs in there is not led back to the portal.', $page);
        self::assertMatchesRegularExpression('~href="[^"]*site/(settings/edit|configuration/editSettings)[^"]*site=main[^"]*">Open the site settings</a>~', $page);
    }

    #[Test]
    public function aSiteWithoutTheSetIsLedToItsConfiguration(): void
    {
        $this->site('main', 1, 'https://www.example.de/', [], []);
        $page = self::text($this->get(SetupController::class)->showAction($this->request('mieterportal_setup')));
        self::assertMatchesRegularExpression('~href="[^"]*site/configuration/edit[^"]*">Open the configuration of the site</a>~', $page);
    }

    #[Test]
    public function savingASiteInTheBackEndWritesNothingOfOursIntoItsFile(): void
    {
        $file = $this->instancePath . '/typo3conf/sites/main/config.yaml';
        $loaded = $this->get(SiteFinder::class)->getSiteByIdentifier('main')->getConfiguration();
        self::assertArrayHasKey('Mieterportal', $loaded['routeEnhancers']);
        $others = ['News' => ['type' => 'Extbase']];
        foreach ([[], $others] as $own) {
            $enhancers = $own + ['Mieterportal' => ['type' => 'Mieterportal']];
            $this->get(SiteWriter::class)->write('main', ['routeEnhancers' => $enhancers] + $loaded);
            self::assertSame($own, Yaml::parseFile($file)['routeEnhancers'] ?? []);
        }
        $limited = ['Mieterportal' => ['type' => 'Mieterportal', 'limitToPages' => [2]]];
        $this->get(SiteWriter::class)->write('main', ['routeEnhancers' => $limited] + $loaded);
        self::assertSame($limited, Yaml::parseFile($file)['routeEnhancers']);
    }

    #[Test]
    public function parkedVorgaengeAreListedAndSentAgain(): void
    {
        $controller = $this->get(SyncController::class);
        $page = self::text($controller->showAction($this->request('mieterportal_sync')));
        self::assertStringContainsString('2026-000123', $page);
        self::assertStringContainsString('VALIDIERUNG &lt;b&gt;', $page);
        $id = '11111111-1111-4111-8111-111111111111';
        self::assertSame(303, $controller->retryAction($this->request('mieterportal_sync', ['vorgang' => $id]))->getStatusCode());
        self::assertSame(303, $controller->retryAction($this->request('mieterportal_sync'))->getStatusCode());
        $base = 'POST /musterbau/api/v1/admin/';
        self::assertSame([$base . 'vorgaenge/' . $id . '/retry', $base . 'retry'], array_slice($this->portal->asked, -2));
    }

    #[Test]
    #[TestWith([SyncController::class, 'mieterportal_sync', 'The portal cannot be reached'])]
    #[TestWith([AushangController::class, 'mieterportal_aushaenge', 'The portal cannot be reached'])]
    #[TestWith([RoutingController::class, 'mieterportal_routing', 'The portal cannot be reached'])]
    #[TestWith([SetupController::class, 'mieterportal_setup', 'portal.example.de does not accept connections'])]
    public function aPortalThatIsAwayIsSaidWithoutTokenOrTrace(string $controller, string $module, string $said): void
    {
        $this->portal->there = false;
        $page = self::text($this->get($controller)->showAction($this->request($module)));
        self::assertStringContainsString($said, $page);
        self::assertStringNotContainsString('Portal website:', $page);
        self::assertStringNotContainsString('ConnectException', $page);
    }

    #[Test]
    public function theRuleThatWouldMatchIsSaidInWords(): void
    {
        $request = $this->request('mieterportal_routing')->withParsedBody(['typ' => 'KONTAKT', 'gebaeude' => 'G1']);
        $page = self::text($this->get(RoutingController::class)->showAction($request));
        self::assertStringContainsString('It would be the rule “Nord”', $page);
        self::assertStringContainsString('Regel Nord trifft zu.', $page);
    }

    #[Test]
    public function whatACaseLacksIsSaidInWords(): void
    {
        $request = $this->request('mieterportal_routing')->withParsedBody(['typ' => 'KONTAKT']);
        $this->portal->admin['/routing'] = [422, ['code' => 'unknown_code', 'parameters' => ['kontaktthema']]];
        $page = self::text($this->get(RoutingController::class)->showAction($request));
        self::assertStringContainsString('Question (Kontaktthema)', $page);
        self::assertStringNotContainsString('It would be the rule', $page);
    }

    #[Test]
    public function thePreviewIsSignedInAsADemoResidentWhenItsButtonIsPressed(): void
    {
        $controller = $this->get(PreviewController::class);
        $page = self::text($controller->showAction($this->request('mieterportal_preview')));
        self::assertStringContainsString('action="https://portal.example.de/musterbau/sso/website"', $page);
        self::assertStringContainsString('name="token" value=""', $page);
        $said = json_decode(self::text($controller->tokenAction($this->request('mieterportal_preview'))), true);
        $claims = json_decode((string)base64_decode(strtr(explode('.', $said['token'])[0], '-_', '+/'), true), true);
        self::assertSame(['login', 'demo:main'], [$claims['typ'], $claims['sub']]);
        self::assertArrayNotHasKey('person', $claims);
    }

    #[Test]
    public function anEditorHasWhatTheGroupWasGivenAndSeesTheOwnSiteInGerman(): void
    {
        $this->signIn(2);
        $modules = $this->get(ModuleProvider::class);
        self::assertTrue($modules->accessGranted('mieterportal_sync', $GLOBALS['BE_USER']));
        self::assertTrue($modules->accessGranted('mieterportal_aushaenge', $GLOBALS['BE_USER']));
        self::assertFalse($modules->accessGranted('mieterportal_setup', $GLOBALS['BE_USER']));
        self::assertSame(['main'], array_keys($this->get(ModuleFrame::class)->sites($GLOBALS['BE_USER'])));
        $page = self::text($this->get(SyncController::class)->showAction($this->request('mieterportal_sync', ['site' => 'other'])));
        self::assertStringContainsString('Angehaltene Vorgänge', $page);
    }

    #[Test]
    public function theSetIsRegisteredWithLabelsAndDefaults(): void
    {
        $set = $this->get(SetRegistry::class)->getSet('mieterportal/mieterportal');
        self::assertSame('Mieterportal', $GLOBALS['LANG']->sL($set->label));
        $settings = $this->get(SiteFinder::class)->getSiteByIdentifier('main')->getSettings();
        self::assertSame(3, $settings->get('mieterportal.loginPage'));
        self::assertSame('', $settings->get('mieterportal.demoPerson'));
    }

    #[Test]
    public function theWidgetTellsWhatIsOpenParkedAndOldest(): void
    {
        $widget = $this->get(WidgetRegistry::class)->getAvailableWidget($this->request('mieterportal_sync'), 'mieterportal-vorgaenge');
        self::assertInstanceOf(WidgetInterface::class, $widget);
        self::assertInstanceOf(RequestAwareWidgetInterface::class, $widget);
        $widget->setRequest($this->request('mieterportal_sync'));
        $content = $widget->renderWidgetContent();
        self::assertMatchesRegularExpression('#<td>4</td>.*>1</span>.*25\.11\.2026#s', $content);
        self::assertStringNotContainsString('other', $content);
    }

    #[Test]
    public function thePolicyOfASiteLetsItsPortalInAndStaysShutElsewhere(): void
    {
        $origin = new UriValue('https://portal.example.de');
        $mutated = function (string $site, Policy $policy): Policy {
            $event = new PolicyMutatedEvent(Scope::frontendSite($this->get(SiteFinder::class)->getSiteByIdentifier($site)), null, $policy, $policy);
            $this->get(AllowPortal::class)($event);

            return $event->getCurrentPolicy();
        };
        // made anew each time: TYPO3's policies share their directives with what is made of them
        $own = static fn(): Policy => (new Policy())->default(SourceKeyword::self)->set(Directive::ImgSrc, SourceKeyword::self);
        $with = $mutated('main', $own());
        foreach ([Directive::StyleSrc, Directive::ScriptSrc, Directive::ImgSrc, Directive::FrameSrc] as $directive) {
            self::assertTrue($with->containsDirective($directive, $origin), $directive->value);
        }
        self::assertFalse($with->has(Directive::FormAction));
        self::assertFalse($mutated('other', $own())->has(Directive::StyleSrc));
        self::assertFalse($mutated('main', new Policy())->has(Directive::StyleSrc));
    }

    private const TYPED = [
        'art' => 'HINWEIS', 'schwere' => 'WICHTIG', 'titel' => ['de' => 'Neuer "Hof"', 'en' => ''], 'text' => ['de' => "Eins\r\n<i>zwei"],
        'wo' => 'gebaeude', 'gebaeude' => ['G1'], 'weitere' => 'G9', 'von' => '2026-12-01T08:00', 'timezone' => 'Europe/Berlin',
    ];

    #[Test]
    public function noticesAreListedWithTimesAsResidentsReadThem(): void
    {
        $controller = $this->get(AushangController::class);
        $page = self::text($controller->showAction($this->request('mieterportal_aushaenge')));
        self::assertStringContainsString('Heizung &lt;b&gt;', $page);
        self::assertStringContainsString('01.07.2026 08:10', $page);
    }

    #[Test]
    public function aNoticeIsInTheFormAsThePortalKeepsIt(): void
    {
        $controller = $this->get(AushangController::class);
        $this->portal->admin['/' . PortalBehindModule::AUSHANG['id']] = [200, PortalBehindModule::AUSHANG];
        $form = self::text($controller->editAction($this->request('mieterportal_aushaenge', ['aushang' => PortalBehindModule::AUSHANG['id']])));
        self::assertStringContainsString('value="Heizung &lt;b&gt;"', $form);
        self::assertStringContainsString('name="von" value="2026-07-01T08:10"', $form);
        self::assertMatchesRegularExpression('#value="G1" id="mieterportal-haus-G1" checked="checked"#', $form);
        self::assertMatchesRegularExpression('#name="weitere">G9</textarea>#', $form);
    }

    #[Test]
    public function aNoticeIsPutUpAsItWasTyped(): void
    {
        $this->portal->admin['POST /aushaenge'] = [201, PortalBehindModule::AUSHANG];
        $request = $this->request('mieterportal_aushaenge')->withParsedBody(self::TYPED);
        self::assertSame(303, $this->get(AushangController::class)->saveAction($request)->getStatusCode());
        self::assertSame('POST /musterbau/api/v1/admin/aushaenge', end($this->portal->asked));
        self::assertSame([[
            'art' => 'HINWEIS', 'schwere' => 'WICHTIG', 'titel' => ['de' => 'Neuer "Hof"'], 'text' => ['de' => "Eins\n<i>zwei"],
            'gebaeude' => ['G1', 'G9'], 'schadensort' => '', 'schadenskategorie' => '', 'oeffentlich' => false,
            'zeigen_ab' => null, 'von' => '2026-12-01T08:00', 'bis' => null,
        ]], $this->portal->sent);
    }

    #[Test]
    public function whatThePortalDoesNotTakeIsSaidAtItsFieldWithEverythingThatWasTyped(): void
    {
        $this->portal->admin['POST /aushaenge'] = [422, ['code' => 'invalid_aushang', 'parameters' => ['titel', 'bis']]];
        $answer = $this->get(AushangController::class)->saveAction($this->request('mieterportal_aushaenge')->withParsedBody(self::TYPED));
        self::assertSame(422, $answer->getStatusCode());
        $page = (string)$answer->getBody();
        self::assertStringContainsString('id="mieterportal-titel-wrong"', $page);
        self::assertStringContainsString('id="mieterportal-bis-wrong"', $page);
        self::assertStringNotContainsString('id="mieterportal-von-wrong"', $page);
        $this->holdsWhatWasTyped($page);
    }

    #[Test]
    public function nothingThatWasTypedIsLostWhenThePortalIsAway(): void
    {
        $this->portal->there = false;
        $answer = $this->get(AushangController::class)->saveAction($this->request('mieterportal_aushaenge')->withParsedBody(self::TYPED));
        $page = (string)$answer->getBody();
        self::assertStringContainsString('The portal cannot be reached', $page);
        self::assertStringContainsString('It is not certain whether the notice has arrived', $page);
        $this->holdsWhatWasTyped($page);
    }

    #[Test]
    public function anEditorChoosesCategoryAndBuildingByTheirWords(): void
    {
        $fields = $this->fieldsOfWay();
        self::assertSame([['Sanitary <b> (SANITAER)', 'SANITAER']], $fields['settings.category']);
        self::assertSame([['7 (7)', '7'], ['Anger 1 (G1)', 'G1']], $fields['settings.building']);
        $GLOBALS['BE_USER']->user['lang'] = 'de';
        self::assertSame([['Sanitär (SANITAER)', 'SANITAER']], $this->fieldsOfWay()['settings.category']);
    }

    #[Test]
    public function whileThePortalIsAwayCategoryAndBuildingAreTyped(): void
    {
        $this->portal->there = false;
        self::assertSame(['settings.category' => [], 'settings.building' => []], $this->fieldsOfWay());
    }

    /**
     * @return array<string, list<array{string, string}>> label and value of what can be chosen, by field of the element
     */
    private function fieldsOfWay(): array
    {
        $given = ['request' => $this->request('mieterportal'), 'tableName' => 'tt_content', 'vanillaUid' => 22, 'command' => 'edit'];
        $result = GeneralUtility::makeInstance(FormDataCompiler::class)->compile($given, GeneralUtility::makeInstance(TcaDatabaseRecord::class));
        self::assertSame('G77', $result['databaseRow']['pi_flexform']['data']['sDEF']['lDEF']['settings.building']['vDEF']);
        $fields = $result['processedTca']['columns']['pi_flexform']['config']['ds']['sheets']['sDEF']['ROOT']['el'];
        $found = [];
        foreach (['settings.category', 'settings.building'] as $name) {
            self::assertSame('input', $fields[$name]['config']['type']);
            $found[$name] = [];
            foreach ($fields[$name]['config']['valuePicker']['items'] ?? [] as $item) {
                self::assertSame([$item[0], $item[1]], [$item['label'] . ' (' . $item['value'] . ')', $item['value']]);
                $found[$name][] = [$item[0], $item[1]];
            }
        }

        return $found;
    }

    private function holdsWhatWasTyped(string $page): void
    {
        self::assertStringContainsString('value="Neuer &quot;Hof&quot;"', $page);
        self::assertStringContainsString("Eins\n&lt;i&gt;zwei</textarea>", $page);
        self::assertStringContainsString('value="WICHTIG" selected="selected"', $page);
        self::assertMatchesRegularExpression('#value="G1" id="mieterportal-haus-G1" checked="checked"#', $page);
        self::assertStringContainsString('G9', $page);
        self::assertStringContainsString('name="von" value="2026-12-01T08:00"', $page);
    }

    #[Test]
    public function aNoticeIsWithdrawnAndNoneIsPutUpAtASiteThatSomebodyMayNotSee(): void
    {
        $controller = $this->get(AushangController::class);
        $this->portal->admin['/end'] = [200, ['over' => true] + PortalBehindModule::AUSHANG];
        $own = $this->request('mieterportal_aushaenge', ['aushang' => PortalBehindModule::AUSHANG['id']]);
        self::assertSame(303, $controller->endAction($own)->getStatusCode());
        $asked = $this->portal->asked;
        self::assertSame('POST /musterbau/api/v1/admin/aushaenge/' . PortalBehindModule::AUSHANG['id'] . '/end', end($asked));
        $this->signIn(2);
        $other = $this->request('mieterportal_aushaenge', ['site' => 'other', 'aushang' => PortalBehindModule::AUSHANG['id']]);
        self::assertSame(303, $controller->saveAction($other->withParsedBody(self::TYPED))->getStatusCode());
        self::assertSame(303, $controller->endAction($other)->getStatusCode());
        self::assertSame($asked, $this->portal->asked);
    }
}
